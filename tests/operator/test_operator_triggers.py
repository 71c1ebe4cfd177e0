"""What follows from an event about a VoiceAgent."""

from typing import Any

import pytest
from voice_agents import voice_agent

from voiceagent_operator.agents.agent import Key
from voiceagent_operator.agents.directory import Directory
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.leader.triggers import AgentWatch


class Watched:
    """An `AgentWatch`, and what it has enqueued since the last call of `asked`."""

    def __init__(self) -> None:
        self.reconciles: list[Key] = []
        self.dialplans: list[str] = []
        self.beats = 0
        self.directory = Directory()
        self.watch = AgentWatch(
            self.directory, self.reconciles.append, self.dialplans.append, self._beat
        )

    def _beat(self) -> None:
        self.beats += 1

    def asked(self) -> tuple[set[Key], set[str]]:
        asked = set(self.reconciles), set(self.dialplans)
        self.reconciles.clear()
        self.dialplans.clear()
        return asked


@pytest.fixture
def watched() -> Watched:
    return Watched()


def agent(name: str = "reception", /, generation: Any = 1, **spec: Any) -> Json:
    found = voice_agent(name, **spec)
    found["metadata"]["generation"] = generation
    return found


ONE_HUNDRED = {"telephony": {"extensions": ["100"]}}


def test_a_new_agent_is_reconciled_and_its_dialplan_written(watched: Watched) -> None:
    watched.watch.seen(agent(**ONE_HUNDRED))
    assert watched.asked() == ({("calls", "reception")}, {"asterisk"})


def test_a_changed_status_is_no_reason_to_reconcile(watched: Watched) -> None:
    watched.watch.seen(agent())
    watched.asked()
    found = agent()
    found["status"] = {"activeCalls": 3}
    watched.watch.seen(found)
    assert watched.asked() == (set(), set())


def test_a_changed_spec_is_and_leaves_the_dialplan_alone(watched: Watched) -> None:
    watched.watch.seen(agent(**ONE_HUNDRED))
    watched.asked()
    watched.watch.seen(agent(generation=2, replicas=5, **ONE_HUNDRED))
    assert watched.asked() == ({("calls", "reception")}, set())


def test_an_agent_of_the_same_name_is_another_one(watched: Watched) -> None:
    watched.watch.seen(agent())
    watched.asked()
    again = agent()
    again["metadata"]["uid"] = "another"
    watched.watch.seen(again)
    assert watched.asked()[0] == {("calls", "reception")}


def test_rivals_are_reconciled_when_an_extension_comes_free(watched: Watched) -> None:
    watched.watch.seen(agent("older", **ONE_HUNDRED))
    watched.watch.seen(agent("newer", **ONE_HUNDRED))
    watched.asked()
    watched.watch.gone(("calls", "older"))
    assert watched.asked() == ({("calls", "older"), ("calls", "newer")}, {"asterisk"})
    watched.watch.seen(agent("newer", generation=2))
    assert watched.asked() == ({("calls", "newer")}, {"asterisk"})


def test_an_agent_that_cannot_be_read_is_reconciled_all_the_same(watched: Watched) -> None:
    watched.watch.seen(agent(turn={"endSilenceMs": "long"}))
    assert watched.asked()[0] == {("calls", "reception")}
    assert watched.directory.awards() == {}


def test_each_event_is_a_sign_of_life(watched: Watched) -> None:
    body: Any = agent()
    watched.watch.on_event(None, body)
    watched.watch.on_event("DELETED", body)
    assert watched.beats == 2
    assert len(watched.directory) == 0
