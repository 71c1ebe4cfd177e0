"""Which changes of a VoiceAgent need new pods."""

from typing import Any

import pytest

from media_pod.manifest.agent import AgentSpec, load_manifest
from media_pod.manifest.reload import (
    ONLY_CLUSTER,
    RELOADED,
    pod_key,
    reloaded,
    restart_fields,
    restart_key,
)
from voiceagent_documents import voice_agent, with_llm, with_realtime

RELOADS: dict[str, Any] = {
    "dialogue": {"kind": "scripted", "script": [{"say": "Hello."}]},
    "telephony": {"extensions": ["100"]},
    "limits": {"turns": 20},
    "variables": {"account": ""},
    # with a language model
    "instructions": "Be friendly.",
    "greeting": {"text": "Hello."},
}
CLUSTER: dict[str, Any] = {
    "replicas": 3,
    "image": "interject:2",
    "autoscaling": {"maxReplicas": 5},
    "eviction": "never",
    "network": {"policy": False},
    "podTemplate": {"spec": {"nodeSelector": {"a": "b"}}},
}
RESTARTS: dict[str, Any] = {
    "language": "de-DE",
    "stt": {"kind": "wyoming", "address": "whisper:10300"},
    "recordings": [{"text": "Hello.", "play": "hello.wav"}],
    "phrases": {"apology": "Sorry?"},
    # with a language model
    "llm": {"kind": "openai", "model": "other"},
    "realtime": {"kind": "openai", "model": "other"},
    "tools": [{"kind": "hangUp"}],
    "tts": {"kind": "espeak", "voice": "en-gb"},
    "bargeIn": {"sensitivity": "low"},
    "turn": {"endSilenceMs": 500},
    "line": {"rateHz": 16000},
    "capacity": {"calls": 7},
    "server": {"httpPort": 1651},
    "deadlines": {"stallMs": 6000},
    "drain": {"timeoutSeconds": 60},
    "telemetry": {"otlpEndpoint": "http://collector:4318"},
}


def spec(**fields: Any) -> AgentSpec:
    return load_manifest(voice_agent(fields), "test").spec


def changed(field: str, value: object) -> tuple[AgentSpec, AgentSpec]:
    """A spec without and with `value` of `field`, with a language model if it needs one."""
    if field == "realtime":
        return spec(**with_realtime()), spec(**with_realtime({"kind": "openai", "model": "other"}))
    if field in ("instructions", "greeting", "llm", "tools"):
        return spec(**with_llm()), spec(**with_llm(**{field: value}))
    return spec(), spec(**{field: value})


def test_every_field_of_a_spec_is_of_one_kind_and_tried_here() -> None:
    aliases = {name: field.alias for name, field in AgentSpec.model_fields.items()}
    assert {aliases[name] for name in RELOADED} == set(RELOADS)
    assert {aliases[name] for name in ONLY_CLUSTER} == set(CLUSTER)
    assert set(aliases.values()) == {*RELOADS, *CLUSTER, *RESTARTS}


@pytest.mark.parametrize("field", RELOADS)
def test_what_is_reloaded_replaces_no_pod_but_can_be_seen_in_it(field: str) -> None:
    before, after = changed(field, RELOADS[field])
    assert restart_key(after) == restart_key(before)
    assert pod_key(after) != pod_key(before)
    assert restart_fields(before, after) == ()
    assert reloaded(before, after) == after


@pytest.mark.parametrize("field", CLUSTER)
def test_what_only_the_cluster_reads_changes_nothing_for_a_pod(field: str) -> None:
    before, after = spec(), spec(**{field: CLUSTER[field]})
    assert (restart_key(after), pod_key(after)) == (restart_key(before), pod_key(before))
    assert restart_fields(before, after) == ()
    assert reloaded(before, after) == before


@pytest.mark.parametrize("field", RESTARTS)
def test_everything_else_needs_a_new_pod(field: str) -> None:
    before, after = changed(field, RESTARTS[field])
    assert restart_key(after) != restart_key(before)
    assert pod_key(after) != pod_key(before)
    assert restart_fields(before, after) == (field,)
    assert reloaded(before, after) == before


def test_a_change_between_a_dialogue_and_a_language_model_needs_a_new_pod() -> None:
    desk = spec(limits={"turns": 20})
    model = spec(**with_llm(limits={"turns": 30}))
    for before, after in ((desk, model), (model, desk)):
        assert restart_key(after) != restart_key(before)
        assert "llm" in restart_fields(before, after)
        assert reloaded(before, after) == before


def test_running_tools_keep_the_transfers_that_they_name() -> None:
    def agent(*places: str, turns: int) -> AgentSpec:
        transfers = [{"name": place, "goto": "phones,601,1"} for place in places]
        tools = [{"kind": "transfer", "places": list(places)}]
        telephony = {"transfers": transfers}
        return spec(**with_llm(tools=tools, telephony=telephony, limits={"turns": turns}))

    before = agent("sales", turns=20)
    more = reloaded(before, agent("sales", "support", turns=30))
    assert [each.name for each in more.telephony.transfers] == ["sales", "support"]
    other = reloaded(before, agent("support", turns=30))
    assert other.telephony == before.telephony
    assert other.limits.turns == 30


def test_keys_outlive_versions_of_interject() -> None:
    """An operator that is upgraded must not replace every pod; what is not set is in no key."""
    said = spec(turn={"endSilenceMs": 700}, capacity={"calls": 7})
    assert restart_key(said) == restart_key(spec(capacity={"calls": 7}))
    assert restart_key(said) == "41f9c5b92081dd97"
