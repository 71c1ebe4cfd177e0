"""What is wrong is said in one sentence within 15 s, and forgotten once it is put right."""

from typing import Any

import pytest

from cluster.operators import (
    OperatorProcess,
    change,
    create,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json, Kind

WITHIN_S = 15.0
MOUNT_S = 60.0
"""The kubelet tries a volume again after twice as long each time, at most every two minutes."""
QUOTA = Kind("", "v1", "resourcequotas", "ResourceQuota")
SECRET = Kind("", "v1", "secrets", "Secret")


def media(**container: Any) -> Json:
    """A pod template that changes the agent's container."""
    return {"spec": {"containers": [{"name": "media", **container}]}}


async def test_a_quota(api: ApiServer, operator: OperatorProcess, namespace: str) -> None:
    quota = QUOTA.head(namespace, "small") | {"spec": {"hard": {"pods": "0"}}}
    await api.create(QUOTA.path(namespace), quota)
    await create(api, voice_agent(namespace))
    message = await until_condition(api, namespace, "Degraded", "QuotaExceeded", WITHIN_S)
    assert "exceeded quota: small" in message
    await api.delete(QUOTA.path(namespace, "small"))
    await change(api, namespace, replicas=1)
    await until("no quota in the way any more", lambda: _no(api, namespace, "QuotaExceeded"), 30)


async def test_no_node_that_suits(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    nowhere = {"spec": {"nodeSelector": {"disk": "none-such"}}}
    await create(api, voice_agent(namespace, podTemplate=nowhere))
    message = await until_condition(api, namespace, "Degraded", "Unschedulable", WITHIN_S)
    assert "node" in message
    assert operator.running


async def test_a_pod_template_that_the_api_server_refuses(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace, podTemplate=media(imagePullPolicy="Sometimes")))
    message = await until_condition(api, namespace, "Degraded", "ChildRefused", WITHIN_S)
    assert "imagePullPolicy" in message
    await change(api, namespace, podTemplate={"spec": None})
    await until("nothing refused any more", lambda: _no(api, namespace, "ChildRefused"), 15)


async def test_pods_that_the_namespace_does_not_allow(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    """The namespace enforces the restricted standard."""
    await create(api, voice_agent(namespace, podTemplate={"spec": {"hostNetwork": True}}))
    message = await until_condition(api, namespace, "Degraded", "PodsRefused", WITHIN_S)
    assert "restricted" in message


async def test_a_pod_template_with_which_pods_do_not_drain(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    gone = {"spec": {"containers": [{"name": "media", "$patch": "delete"}]}}
    await create(api, voice_agent(namespace, podTemplate=gone))
    message = await until_condition(api, namespace, "Degraded", "BadPodTemplate", WITHIN_S)
    assert "found no container media" in message
    await change(api, namespace, podTemplate={"spec": None})
    await until_condition(api, namespace, "Degraded", "AsExpected", WITHIN_S)


async def test_a_pod_template_that_cannot_be_laid_over_the_pods(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    nameless = {"spec": {"containers": [{"image": "no name"}]}}
    await create(api, voice_agent(namespace, podTemplate=nameless))
    message = await until_condition(api, namespace, "Degraded", "BadPodTemplate", WITHIN_S)
    assert "containers" in message
    assert operator.running


@pytest.mark.usefixtures("node")
class TestWithANode:
    """What only a kubelet can find out."""

    async def test_a_missing_secret(
        self, api: ApiServer, operator: OperatorProcess, namespace: str, media_image: str
    ) -> None:
        key = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "llm", "key": "key"}}}
        await create(
            api,
            voice_agent(namespace, image=media_image, replicas=1, podTemplate=media(env=[key])),
        )
        message = await until_condition(api, namespace, "Degraded", "SecretMissing", WITHIN_S)
        assert 'secret "llm" not found' in message
        secret = SECRET.head(namespace, "llm") | {"stringData": {"key": "x"}}
        await api.create(SECRET.path(namespace), secret)
        await until_condition(api, namespace, "Ready", "PodsReady", 60)
        await until_condition(api, namespace, "Degraded", "AsExpected")

    async def test_a_missing_secret_in_a_volume(
        self, api: ApiServer, operator: OperatorProcess, namespace: str, media_image: str
    ) -> None:
        template = media(volumeMounts=[{"name": "key", "mountPath": "/key"}])
        template["spec"]["volumes"] = [{"name": "key", "secret": {"secretName": "voice"}}]
        await create(
            api, voice_agent(namespace, image=media_image, replicas=1, podTemplate=template)
        )
        message = await until_condition(api, namespace, "Degraded", "SecretMissing", WITHIN_S)
        assert 'secret "voice" not found' in message

    async def test_a_secret_of_a_provider_and_then_its_key(
        self, api: ApiServer, operator: OperatorProcess, namespace: str
    ) -> None:
        """Pods get volumes before their image: without one, nothing but the volumes is tried."""
        key = {"secretKeyRef": {"name": "llm", "key": "api-key"}}
        llm = {"kind": "openai", "model": "m", "apiKey": key}
        body = voice_agent(namespace, image="localhost/none-such:1", replicas=1)
        del body["spec"]["dialogue"]
        body["spec"] |= {"llm": llm, "instructions": "Be brief."}
        await create(api, body)
        message = await until_condition(api, namespace, "Degraded", "SecretMissing", WITHIN_S)
        assert 'secret "llm" not found; create it' in message

        secret = SECRET.head(namespace, "llm") | {"stringData": {"other": "x"}}
        await api.create(SECRET.path(namespace), secret)
        message = await until_condition(api, namespace, "Degraded", "SecretKeyMissing", MOUNT_S)
        assert "add the key api-key to Secret llm, or correct the reference" in message

        await api.merge(SECRET.path(namespace, "llm"), {"stringData": {"api-key": "x"}})
        await until_condition(api, namespace, "Degraded", "ImageUnavailable", MOUNT_S)

    async def test_an_image_that_cannot_be_pulled(
        self, api: ApiServer, operator: OperatorProcess, namespace: str
    ) -> None:
        await create(api, voice_agent(namespace, image="localhost/none-such:1", replicas=1))
        message = await until_condition(api, namespace, "Degraded", "ImageUnavailable", WITHIN_S)
        assert "localhost/none-such:1" in message

    async def test_a_program_that_crashes(
        self, api: ApiServer, operator: OperatorProcess, namespace: str, media_image: str
    ) -> None:
        # Both to standard error, as a pod does: the order of two streams in a log is by chance.
        code = "import sys; print('log', file=sys.stderr); sys.exit('spec.x: found nothing')"
        broken = media(command=["python3", "-c", code])
        await create(api, voice_agent(namespace, image=media_image, replicas=1, podTemplate=broken))
        message = await until_condition(api, namespace, "Degraded", "ContainerCrashes", WITHIN_S)
        assert "exit code 1 (spec.x: found nothing)" in message


async def _no(api: ApiServer, namespace: str, reason: str) -> bool:
    found = await api.get(VOICE_AGENT.path(namespace, "reception"))
    reasons = [each["reason"] for each in found["status"]["conditions"]]
    return reason not in reasons
