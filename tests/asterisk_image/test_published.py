"""The published dialplan: its content, and the validation beside Asterisk."""

from typing import Any

import pytest
from asterisk_parser import parse
from hypothesis import given
from hypothesis import strategies as st

from asterisk_config.agent_values import DialplanAgent, Message, Timeouts
from asterisk_config.dialplan import agent_context
from asterisk_config.published import MAX_BYTES, check, context_name, published, restrict
from media_pod.manifest.validation import SpecError

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
ADDED = "[interject-agents](+)\n"
TRANSFERS = ("interject-phones,602,1", "interject-phones,601,1")


def agent(name: str = "ns_desk", **more: Any) -> DialplanAgent:
    return DialplanAgent(
        **{"name": name, "api": (f"{name.partition('_')[2]}.ns.svc:1650",), **more}
    )


def text(*agents: DialplanAgent) -> str:
    return published(agents, Timeouts())


def contexts(file: str) -> dict[str, list[str]]:
    """The values of the lines, by context."""
    sections = parse(file.replace(ADDED, "[interject-agents]\n"))
    return {section.name: [value for _, value in section.lines] for section in sections}


def refusal(file: str) -> str:
    with pytest.raises(SpecError) as caught:
        check(file, "agents.conf")
    return str(caught.value)


def test_a_number_is_added_to_those_of_configured_agents() -> None:
    found = text(agent(extensions=("200", "100")))
    assert ADDED in found
    assert contexts(found)["interject-agents"] == [
        "100,1,Set(INTERJECT_TO=${EXTEN})",
        "n,Goto(interject-ns_desk,enter,1)",
        "200,1,Set(INTERJECT_TO=${EXTEN})",
        "n,Goto(interject-ns_desk,enter,1)",
    ]


def test_an_agent_has_its_own_addresses_and_shares_the_rest() -> None:
    found = contexts(text(agent(), agent("ns_wide", rate_hz=16000), agent("ns_other")))
    assert set(found) == {
        "interject-agents",
        "interject-ns_desk",
        "interject-ns_other",
        "interject-ns_wide",
        "interject-call-audiosocket-8000",
        "interject-call-audiosocket-16000",
    }
    assert "s,1,Set(INTERJECT_APIS=other.ns.svc:1650)" in found["interject-ns_other"]
    assert "n,Goto(interject-call-audiosocket-16000,s,1)" in found["interject-ns_wide"]


def test_a_call_has_the_same_steps_as_one_of_a_configured_agent() -> None:
    """Except for names of contexts, and jumps to the list of transfers and back."""
    desk, call = agent(transfers=TRANSFERS), "interject-call-audiosocket-8000"
    (own,) = contexts(agent_context(desk, (), Timeouts(), call)).values()
    found = contexts(text(desk))
    published_steps = [
        step.replace(f"{call},s,allowed", "allowed")
        for step in found["interject-ns_desk"] + found[call]
    ]
    assert set(own) <= set(published_steps)
    assert [step for step in found[call] if step not in own] == [
        "s,1,NoOp()",
        "n,Goto(${INTERJECT_AGENT},handover,1)",
        "n(refused),NoOp()",
    ]


def test_transfer_destinations_are_compared_literally() -> None:
    call = "interject-call-audiosocket-8000"
    found = contexts(text(agent(transfers=TRANSFERS)))["interject-ns_desk"]
    at = found.index("handover,1,NoOp()")
    assert found[at + 1 : at + 4] == [
        f'n,GotoIf($["${{INTERJECT_PLACE}}" = "interject-phones,601,1"]?{call},s,allowed)',
        f'n,GotoIf($["${{INTERJECT_PLACE}}" = "interject-phones,602,1"]?{call},s,allowed)',
        f"n,Goto({call},s,refused)",
    ]


def test_transfers_that_the_values_do_not_permit_are_dropped() -> None:
    """Also those of an operator that permits more."""
    outside = "from-internal,00900123,1"
    found = text(agent(transfers=(*TRANSFERS, outside, "ivr,s,1", "interject-phones,601,2")))
    kept, dropped = restrict(found, ("ivr,s,1",))
    assert dropped == (outside, "interject-phones,601,2")
    check(kept, "agents.conf")
    assert kept == text(agent(transfers=(*TRANSFERS, "ivr,s,1")))
    assert restrict(kept, ("ivr,s,1",)) == (kept, ())


def test_a_call_that_no_pod_accepts_goes_to_the_own_or_the_global_fallback() -> None:
    own = Message(kind="message", sound="vm-goodbye")
    global_fallback = Message(kind="message", sound="vm-sorry")
    agents = [agent("ns_a", fallback=own), agent("ns_b")]
    found = contexts(published(agents, Timeouts(), global_fallback))
    assert "fallback,1,Playback(vm-goodbye)" in found["interject-ns_a"]
    assert "fallback,1,Playback(vm-sorry)" in found["interject-ns_b"]
    assert "fallback,1,Hangup(42)" in contexts(text(agent()))["interject-ns_desk"]


def test_the_order_of_agents_and_numbers_does_not_matter() -> None:
    one, two = agent("ns_a", extensions=("1", "2")), agent("ns_b", transfers=TRANSFERS)
    turned = agent("ns_a", extensions=("2", "1")), agent("ns_b", transfers=TRANSFERS[::-1])
    assert text(one, two) == text(*reversed(turned))


def test_without_agents_the_file_is_a_comment() -> None:
    assert text() == "; Agents of a cluster. Interject's operator writes this file.\n"
    check(text(), "agents.conf")


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        ([agent(), agent()], "ns_desk occurs 2 times"),
        ([agent("ns_a", extensions=("1",)), agent("ns_b", extensions=("1",))], "1 occurs 2"),
        ([agent(api=None)], "ns_desk: expected its own api"),
        ([agent(dialplan="seed")], "ns_desk: expected its own api and the dialplan failover"),
    ],
)
def test_ambiguous_or_unreachable_agents_are_an_error_of_the_operator(
    agents: list[DialplanAgent], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        text(*agents)


@given(
    namespaces=st.lists(LABEL, min_size=1, max_size=3),
    names=st.lists(LABEL, min_size=1, max_size=3),
)
def test_every_agent_of_a_cluster_has_a_unique_name_that_asterisk_accepts(
    namespaces: list[str], names: list[str]
) -> None:
    keys = {(namespace, name) for namespace in namespaces for name in names}
    found = {context_name(*key) for key in keys}
    assert len(found) == len(keys)
    named = [agent(name, api=("pod:1650",)) for name in found]
    assert all(len(each.context) < 80 for each in named)
    check(text(*named), "agents.conf")


def test_truncated_names_stay_unique() -> None:
    long = "a" * 63
    assert context_name("a-b", "c") != context_name("a", "b-c")
    assert context_name(long, long) != context_name(long, long[:-1] + "b")
    assert context_name("default", "desk") == "default_desk"


@pytest.mark.parametrize("transport", ["audioSocket", "webSocket"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("jitter_buffer", [None, "adaptive"])
def test_published_dialplans_are_valid(
    transport: str, rate_hz: int, jitter_buffer: str | None
) -> None:
    kind: dict[str, Any] = {
        "transport": transport,
        "rate_hz": rate_hz,
        "jitter_buffer": jitter_buffer,
    }
    file = text(agent(extensions=("100", "_3069X."), transfers=TRANSFERS, **kind))
    check(file, "agents.conf")


def test_two_hundred_agents_fit_into_a_config_map() -> None:
    many = [agent(f"ns_{n}", extensions=(str(n),), transfers=TRANSFERS) for n in range(200)]
    assert len(text(*many)) < MAX_BYTES / 4


@pytest.mark.parametrize(
    "line",
    [
        "[interject-agents]",
        "[interject-phones]",
        "[interject-from-phones]",
        "[interject-ns_a](!)",
        "[interject-ns_a",
        "[default]",
        "[globals]",
        "#include other.conf",
        "#exec /bin/sh",
        ";-- a comment without an end",
        "exten => 100",
        "exten => 100,1,System(true) ;--",
        "exten => 100,1",
        "exten = 100,1,Answer()",
        "include => interject-phones",
        "switch => Realtime/x",
        " same => Answer()",
        "exten => 100,1,Set(A=\x1b)",
        f"exten => 100,1,Set(A={'x' * 5000})",
        "hello",
    ],
)
def test_other_directives_are_rejected_with_their_line(line: str) -> None:
    file = f"{ADDED}exten => 100,1,Answer()\n{line}\n"
    assert refusal(file).startswith(f"agents.conf: line 3: found {line[:60]!r}; allowed: ")


def test_a_priority_needs_a_context() -> None:
    assert "line 1" in refusal("exten => 100,1,Answer()\n")


@given(st.text(max_size=200))
def test_junk_is_rejected_without_an_exception(file: str) -> None:
    try:
        check(file, "agents.conf")
    except SpecError:
        return
    assert not [line for line in file.splitlines() if line.strip() and line[0] not in "[; es"]
