"""A client that waits for a VoiceAgent learns when it is Ready, or why it is not."""

import pytest

from voiceagent_operator.jobs import NotReadyError, until_ready
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json


def agent(ready: bool, degraded: str = "") -> Json:
    conditions = [
        {
            "type": "Ready",
            "status": str(ready),
            "reason": "PodsReady" if ready else "NoPodReady",
            "message": "1 of 1 pods is ready" if ready else "0 of 1 pods are ready",
        },
        {
            "type": "Degraded",
            "status": str(bool(degraded)),
            "reason": "ImageUnavailable" if degraded else "AsExpected",
            "message": degraded,
        },
    ]
    return {"status": {"conditions": conditions}}


class Cluster:
    """Returns one state of a VoiceAgent at each poll; the last one stays."""

    def __init__(self, *states: Json | None) -> None:
        self.states = list(states)
        self.pauses = 0

    async def get(self, path: str) -> Json:
        assert path == VOICE_AGENT.path("voice", "parcel-desk")
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            raise NotFoundError(f"GET {path}", 404, "NotFound", "no such agent")
        return state

    async def pause(self, seconds: float) -> None:
        self.pauses += 1


async def wait(cluster: Cluster) -> None:
    await until_ready(cluster, "voice", "parcel-desk", polls=4, pause=cluster.pause)


async def test_it_may_come_late_and_be_ready_later() -> None:
    cluster = Cluster(None, {}, agent(ready=False), agent(ready=True))
    await wait(cluster)
    assert cluster.pauses == 3


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (None, "not found"),
        ({}, "no status yet; check that the operator runs and watches this namespace"),
        (agent(ready=False), "NoPodReady: 0 of 1 pods are ready"),
        (
            agent(ready=False, degraded="cannot pull media:1"),
            "ImageUnavailable: cannot pull media:1",
        ),
    ],
)
async def test_the_cause_is_what_the_agent_itself_says(state: Json | None, why: str) -> None:
    cluster = Cluster(state)
    with pytest.raises(NotReadyError) as error:
        await wait(cluster)
    assert str(error.value) == f"VoiceAgent voice/parcel-desk: not Ready after 4 polls: {why}"
    assert cluster.pauses == 3
