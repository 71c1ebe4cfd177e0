"""Extensions: from VoiceAgents to the dialplan of the Asterisk that they name."""

import asyncio
import time
from pathlib import Path

from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    find,
    operator_running,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import CONFIG_MAP, POD, VOICE_AGENT, Json

DIALPLAN = "interject-dialplan-asterisk"
WITHIN_S = 10.0


def asterisk_pod(namespace: str, asterisk: str = "asterisk") -> Json:
    """A pod that Asterisk would run in; nothing has to run for its dialplan to be written."""
    body = POD.head(namespace, "asterisk-0")
    body["metadata"]["labels"] = {names.ASTERISK: asterisk}
    container = {
        "name": "asterisk",
        "image": "localhost/none-such:1",
        "imagePullPolicy": "Never",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return body | {"spec": {"containers": [container]}}


def extension(number: str) -> dict[str, list[str]]:
    return {"extensions": [number]}


async def dialplan(api: ApiServer, namespace: str) -> str:
    """The text that Asterisk includes; empty if there is none."""
    found = await find(api, CONFIG_MAP, namespace, DIALPLAN)
    return "" if found is None else "".join(found["data"].values())


async def until_has(api: ApiServer, namespace: str, line: str, *, there: bool = True) -> None:
    async def has() -> bool:
        return (line in await dialplan(api, namespace)) == there

    await until(f"{line!r} {'in' if there else 'out of'} the dialplan", has, WITHIN_S)


async def test_an_extension_is_written_shown_to_the_pod_and_gone_after_delete(
    api: ApiServer, operator: OperatorProcess, namespace: str, measured: Measured
) -> None:
    await api.create(POD.path(namespace), asterisk_pod(namespace))
    began = time.monotonic()
    await create(api, voice_agent(namespace, telephony=extension("100")))
    await until_has(api, namespace, "exten => 100,1,")
    measured.row("publishing", "apply to the dialplan written", f"{time.monotonic() - began:.1f} s")
    text = await dialplan(api, namespace)
    assert f"reception.{namespace}.svc:1650" in text
    await until_condition(api, namespace, "Published", "InDialplan")

    async def shown() -> str | None:
        pod = await find(api, POD, namespace, "asterisk-0")
        assert pod is not None
        seen: str | None = pod["metadata"].get("annotations", {}).get(names.DIALPLAN_SEEN)
        return seen

    before = await until("the pod touched", shown, WITHIN_S)
    await change(api, namespace, telephony=extension("101"))
    await until_has(api, namespace, "exten => 101,1,")
    await until_has(api, namespace, "exten => 100,1,", there=False)

    async def shown_again() -> bool:
        return await shown() != before

    await until("the pod touched again", shown_again, WITHIN_S)
    await api.delete(VOICE_AGENT.path(namespace, "reception"))
    await until_has(api, namespace, "exten => 101,1,", there=False)


async def test_of_two_agents_the_older_keeps_the_extension(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await api.create(POD.path(namespace), asterisk_pod(namespace))
    await create(api, voice_agent(namespace, "older", telephony=extension("100")))
    await until_condition(api, namespace, "Published", "InDialplan", name="older")
    # creationTimestamp has whole seconds; the uid decides within one.
    await asyncio.sleep(1.1)
    await create(api, voice_agent(namespace, "newer", telephony=extension("100")))
    message = await until_condition(api, namespace, "Published", "ExtensionTaken", name="newer")
    assert f"100 ({namespace}/older)" in message
    assert (await dialplan(api, namespace)).count("exten => 100,1,") == 1
    await api.delete(VOICE_AGENT.path(namespace, "older"))
    await until_condition(api, namespace, "Published", "InDialplan", name="newer")
    assert f"newer.{namespace}.svc" in await dialplan(api, namespace)


async def test_an_agent_whose_asterisk_is_not_there_is_told(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    spec = extension("100") | {"asterisk": "elsewhere"}
    await create(api, voice_agent(namespace, telephony=spec))
    message = await until_condition(api, namespace, "Published", "NoAsterisk")
    assert "interject.dev/asterisk=elsewhere" in message
    await api.create(POD.path(namespace), asterisk_pod(namespace, "elsewhere"))
    await until_condition(api, namespace, "Published", "InDialplan")


async def test_an_operator_that_starts_takes_no_extension_away(
    api: ApiServer, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    await api.create(POD.path(namespace), asterisk_pod(namespace))
    numbers = [f"10{number}" for number in range(8)]
    async with operator_running(cluster.kubeconfig, namespace, tmp_path):
        for number in numbers:
            body = voice_agent(namespace, f"agent-{number}", telephony=extension(number))
            await create(api, body | {"spec": body["spec"] | {"replicas": 0}})
        for number in numbers:
            await until_has(api, namespace, f"exten => {number},1,")
    before = await find(api, CONFIG_MAP, namespace, DIALPLAN)
    async with operator_running(cluster.kubeconfig, namespace, tmp_path) as operator:

        async def reconciled() -> bool:
            return await operator.metric("interject_operator_reconciles_total") >= len(numbers)

        await until("every agent reconciled", reconciled, 20)
    after = await find(api, CONFIG_MAP, namespace, DIALPLAN)
    assert before is not None
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_an_edited_dialplan_is_repaired(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await api.create(POD.path(namespace), asterisk_pod(namespace))
    await create(api, voice_agent(namespace, telephony=extension("100")))
    await until_has(api, namespace, "exten => 100,1,")
    await api.merge(CONFIG_MAP.path(namespace, DIALPLAN), {"data": {"agents.conf": "; nothing"}})
    await until_has(api, namespace, "exten => 100,1,")


async def test_a_foreign_config_map_is_left_alone_and_reported(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    theirs = CONFIG_MAP.head(namespace, DIALPLAN) | {"data": {"mine": "yes"}}
    await api.create(CONFIG_MAP.path(namespace), theirs)
    await api.create(POD.path(namespace), asterisk_pod(namespace))
    await create(api, voice_agent(namespace, telephony=extension("100")))
    message = await until_condition(api, namespace, "Published", "NameTaken")
    assert f"ConfigMap {namespace}/{DIALPLAN}" in message
    found = await find(api, CONFIG_MAP, namespace, DIALPLAN)
    assert found is not None
    assert found["data"] == {"mine": "yes"}
    await api.delete(CONFIG_MAP.path(namespace, DIALPLAN))
    await until_condition(api, namespace, "Published", "InDialplan", timeout_s=45)
    await until_has(api, namespace, "exten => 100,1,")


async def test_a_pod_in_another_namespace_is_no_asterisk_by_its_label(
    api: ApiServer, cluster: Cluster, namespace: str, shared_namespace: str, tmp_path: Path
) -> None:
    await api.create(POD.path(shared_namespace), asterisk_pod(shared_namespace))
    watched = ("--namespace", shared_namespace)
    async with operator_running(cluster.kubeconfig, namespace, tmp_path, *watched):
        await create(api, voice_agent(namespace, telephony=extension("100")))
        message = await until_condition(api, namespace, "Published", "NoAsterisk")
        assert shared_namespace in message
        assert await dialplan(api, shared_namespace) == ""
    allowed = ("--asterisk-namespace", shared_namespace)
    async with operator_running(cluster.kubeconfig, namespace, tmp_path, *watched, *allowed):
        await until_condition(api, namespace, "Published", "InDialplan")
        assert "exten => 100,1," in await dialplan(api, shared_namespace)
    await api.delete(POD.path(shared_namespace, "asterisk-0"))
