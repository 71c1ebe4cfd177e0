"""An extension that is applied can be called: through the dialplan of a real Asterisk in a pod."""

import asyncio
import json
import time

import pytest
import yaml

from asterisk_config.places import Places
from cluster.callers import REPEATING, ask_inside
from cluster.cluster import Cluster
from cluster.images import PULL_POLICY
from cluster.measured import Measured
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    items,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import CONFIG_MAP, POD, VOICE_AGENT, Json

pytestmark = pytest.mark.usefixtures("node")

WITHIN_S = 10.0
VALUES = {"agents": [], "published": True, "drainSeconds": 0}
COMMAND = "asterisk -C /run/asterisk/etc/asterisk.conf -rx '{}'"
ORIGINATE = "channel originate Local/{}@interject-agents application Wait 4"


def asterisk_pod(namespace: str, image: str) -> Json:
    """Asterisk as a chart would run it, with the dialplan that the operator writes."""
    body = POD.head(namespace, "asterisk-0")
    body["metadata"]["labels"] = {names.ASTERISK: "asterisk"}
    mounts = {
        "values": "/etc/values",
        "published": "/etc/interject/published",
        "run": "/run/asterisk",
    }
    container = {
        "name": "asterisk",
        "image": image,
        "imagePullPolicy": PULL_POLICY,
        "env": [{"name": "INTERJECT_VALUES", "value": "/etc/values/asterisk.yaml"}],
        "readinessProbe": {
            "exec": {"command": [*Places.installed().command("-rx", "core waitfullybooted")]},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    dialplan = {"name": names.dialplan_name("asterisk"), "optional": True}
    spec = {
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "values", "configMap": {"name": "asterisk-values"}},
            {"name": "published", "configMap": dialplan},
            {"name": "run", "emptyDir": {}},
        ],
    }
    return body | {"spec": spec}


class Calls:
    """Calls from inside of Asterisk to its extensions."""

    def __init__(self, cluster: Cluster, api: ApiServer, namespace: str) -> None:
        self._cluster, self._api, self._namespace = cluster, api, namespace

    async def ready(self) -> bool:
        """Whether Asterisk answers."""
        pod = await self._api.get(POD.path(self._namespace, "asterisk-0"))
        states = pod["status"].get("containerStatuses", [])
        return bool(states) and all(state["ready"] for state in states)

    async def reach(self, extension: str) -> bool:
        """Call an extension; whether a media pod has such a call."""
        command = COMMAND.format(ORIGINATE.format(extension))
        arguments = ("exec", "asterisk-0", "-n", self._namespace, "--", "sh", "-c", command)
        await asyncio.to_thread(self._cluster.run, *arguments)
        for pod in await items(self._api, POD, self._namespace, f"{names.AGENT}=reception"):
            status, page = await ask_inside(self._cluster, pod, "/api/calls")
            for call in json.loads(page)["calls"] if status == 200 else []:
                if (call["to_number"], call["state"]) == (extension, "connected"):
                    return True
        return False


@pytest.mark.timeout(180)
async def test_an_extension_is_callable_within_seconds_and_gone_after_delete(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    asterisk_image: str,
    measured: Measured,
) -> None:
    values = CONFIG_MAP.head(namespace, "asterisk-values")
    data = {"asterisk.yaml": yaml.safe_dump(VALUES)}
    await api.create(CONFIG_MAP.path(namespace), values | {"data": data})
    await api.create(POD.path(namespace), asterisk_pod(namespace, asterisk_image))
    calls = Calls(cluster, api, namespace)
    await until("Asterisk ready", calls.ready, 60, pause_s=0.3)

    began = time.monotonic()
    agent = {"image": media_image, "replicas": 1, "dialogue": REPEATING, "capacity": {"calls": 4}}
    await create(api, voice_agent(namespace, telephony={"extensions": ["100"]}, **agent))
    await until("a call to 100", lambda: calls.reach("100"), 60)
    measured.row(
        "real pods", "apply to callable, pod included", f"{time.monotonic() - began:.1f} s"
    )

    await until_condition(api, namespace, "Published", "InDialplan")
    began = time.monotonic()
    await change(api, namespace, telephony={"extensions": ["100", "101"]})
    await until("a call to 101", lambda: calls.reach("101"), WITHIN_S)
    took = time.monotonic() - began
    measured.row("real pods", "another extension, apply to callable", f"{took:.1f} s")

    await api.delete(VOICE_AGENT.path(namespace, "reception"))

    async def unknown() -> bool:
        command = COMMAND.format("dialplan show 100@interject-agents")
        arguments = ("exec", "asterisk-0", "-n", namespace, "--", "sh", "-c", command)
        shown = await asyncio.to_thread(cluster.run, *arguments)
        return shown.returncode == 0 and "'100' =>" not in shown.stdout

    await until("100 out of Asterisk's dialplan", unknown, WITHIN_S, pause_s=0.3)
