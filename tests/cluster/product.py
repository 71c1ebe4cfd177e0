"""The whole product as `helm install` brings it, and a telephone that calls it."""

import asyncio
import base64
import json
import time
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from asterisk.callers import line, silent
from cluster.callers import ask_inside
from cluster.cluster import Cluster, Json
from cluster.images import PULL_POLICY
from cluster.operators import until
from cluster.releases import Release
from interject_lab.errors import LabError
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.sip.conversation import SipCall
from interject_lab.telephones.sip.phone import SipPhone
from interject_lab.telephones.sip.signalling import Account
from voiceagent_operator.agents import names

PHONE: Final = "601"
SAMPLE: Final = "parcel-desk"
SAMPLE_NUMBER: Final = "100"
READY_S: Final = 120.0
GRACE_S: Final = 10
"""That Asterisk gives its calls when it is asked to go."""
PAUSE_S: Final = 0.5
"""Between two questions of kubectl, which takes a tenth of a second of a core for each."""


@dataclass(frozen=True)
class Images:
    """Names of the three images, which the nodes have."""

    operator: str
    media_pod: str
    asterisk: str

    def values(self) -> Json:
        """As the chart's values have them."""

        def image(name: str) -> Json:
            repository, _, tag = name.rpartition(":")
            return {"repository": repository, "tag": tag, "pullPolicy": PULL_POLICY}

        return {
            "operator": {"image": image(self.operator), "mediaImage": image(self.media_pod)},
            "asterisk": {"image": image(self.asterisk), "drainSeconds": GRACE_S},
        }


@dataclass(frozen=True)
class Heard:
    """A call as its telephone heard it, and what it is to the pods; "" if none knew it."""

    call: SipCall
    uuid: str


class Product:
    """One release whose pods run."""

    def __init__(self, release: Release, values: Json) -> None:
        self.cluster: Cluster = release.cluster
        self.release = release
        self.namespace = release.namespace
        self.values = values

    def wait(self, what: str, condition: str, timeout_s: float = READY_S) -> None:
        """As the chart's notes instruct a user."""
        done = self.cluster.run(
            "wait", f"--for={condition}", what, "-n", self.namespace, f"--timeout={timeout_s:.0f}s"
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.state()

    async def until_sample_answers(self) -> None:
        """Until Asterisk and the sample's pod are Ready and a call to the sample is answered."""
        self.wait("pod/" + f"{self.release.name}-asterisk-0", "condition=Ready")

        async def created() -> Json:
            return await asyncio.to_thread(self.cluster.get, "va", self.namespace, SAMPLE)

        await until("the sample created", created, 60, PAUSE_S)
        self.wait(f"va/{SAMPLE}", "condition=Ready")
        self.wait(f"va/{SAMPLE}", "condition=Published")
        await self.until_answered(SAMPLE_NUMBER, 30)

    def state(self) -> str:
        """Pods, agents and events, for the message of a failure."""
        return "\n".join(
            self.cluster.run(*words, "-n", self.namespace).stdout
            for words in (
                ("get", "pods,va", "-o", "wide"),
                ("get", "events", "--sort-by=.lastTimestamp"),
            )
        )

    @cached_property
    def account(self) -> Account:
        """The telephone's, read as the notes instruct a user.

        Once, as a telephone is set up: it stays good when Asterisk restarts, and while it does
        there is no pod to read from.
        """
        secret = self.release.get("secret", "asterisk")
        password = base64.b64decode(secret["data"][PHONE]).decode()
        pod = self.release.get("pod", "asterisk-0")
        service = self.release.get("service", "asterisk-0")
        (sip,) = {port["nodePort"] for port in service["spec"]["ports"] if "sip" in port["name"]}
        return Account(PHONE, password, pod["status"]["hostIP"], sip)

    async def call(self, extension: str, caller: Caller | None = None, *, max_s: float) -> Heard:
        """Call and stay until either side hangs up; a caller who only listens by default."""
        phone = SipPhone(self.account, line(), caller or silent(), max_s=max_s)
        old = {call["uuid"] for call in await self.calls()}
        watching = asyncio.create_task(self._uuid_of_another(old))
        try:
            call = await phone.call(extension)
        finally:
            watching.cancel()
            (uuid,) = await asyncio.gather(watching, return_exceptions=True)
        return Heard(call, uuid if isinstance(uuid, str) else "")

    async def until_answered(self, extension: str, within_s: float) -> float:
        """Call again and again until an agent answers; after how many seconds the call began.

        A server that is not there yet says nothing at all, or turns the telephone away.
        """
        began = time.monotonic()

        async def answered() -> bool:
            try:
                heard = await self.call(extension, max_s=1.0)
            except LabError:
                return False
            return bool(heard.call.record.bot.any())

        await until(f"{extension} answering", answered, within_s, PAUSE_S)
        return time.monotonic() - began - 1.0

    def pods(self, agent: str) -> list[Json]:
        """Those of an agent that are not going."""
        found = self.cluster.get_all("pods", self.namespace, f"{names.AGENT}={agent}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def hosts(self) -> list[str]:
        """The addresses of all media pods, going or not."""
        return [pod["status"]["podIP"] for pod in self._media_pods()]

    def _media_pods(self) -> list[Json]:
        pods = self.cluster.get_all("pods", self.namespace, names.AGENT)
        return [pod for pod in pods if pod["status"].get("podIP")]

    def pages(self, asterisk_port: int) -> list[tuple[str, str]]:
        """Name and page of metrics, host:port, of each pod that has one."""
        operator = ",".join(f"{label}={value}" for label, value in names.OPERATOR_PODS.items())
        return [
            (pod["metadata"]["name"], f"{pod['status']['podIP']}:{port}")
            for selector, port in (
                (names.AGENT, 1650),
                (names.ASTERISK, asterisk_port),
                (operator, 8080),
            )
            for pod in self.cluster.get_all("pods", self.namespace, selector)
        ]

    async def calls(self) -> list[Json]:
        """What all media pods say of their calls."""
        pods = await asyncio.to_thread(self._media_pods)
        answers = [await ask_inside(self.cluster, pod, "/api/calls") for pod in pods]
        pages = [json.loads(text) for status, text in answers if status == 200]
        return [call for page in pages for call in page["calls"]]

    async def _uuid_of_another(self, old: Container[str]) -> str:
        while True:
            for call in await self.calls():
                if call["uuid"] not in old:
                    return str(call["uuid"])
            await asyncio.sleep(PAUSE_S)


def is_ready(pod: Json) -> bool:
    """Whether its condition Ready is true."""
    conditions = pod["status"].get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
