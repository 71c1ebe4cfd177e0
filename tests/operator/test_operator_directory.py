"""Which agent holds which extension, and which agents a change affects."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voice_agents import agent

from asterisk_config.number_plan import NamespaceClaims, NumberPlan
from voiceagent_operator.agents.directory import Claim, Directory, award, claim_of


def claim(name: str, created: str, *extensions: str, asterisk: str = "asterisk") -> Claim:
    each = agent(name, telephony={"extensions": list(extensions), "asterisk": asterisk})
    return replace(claim_of(each), created=created)


def test_of_two_agents_the_older_keeps_an_extension() -> None:
    young, old = claim("young", "2026-02-01", "100", "101"), claim("old", "2026-01-01", "100")
    awards = award([young, old])
    assert awards[old.key].granted == ("100",)
    assert awards[young.key].granted == ("101",)
    assert awards[young.key].taken == (("100", "calls/old"),)


@pytest.mark.parametrize(
    ("older", "younger"), [("_1XX", "112"), ("112", "_1XX"), ("_X.", "_3069X.")]
)
def test_of_two_that_overlap_the_older_keeps_its_own(older: str, younger: str) -> None:
    old, young = claim("old", "2026-01-01", older), claim("young", "2026-02-01", younger)
    awards = award([young, old])
    assert awards[old.key].granted == (older,)
    assert awards[young.key].granted == ()
    assert awards[young.key].taken == ((younger, f"{older} of calls/old"),)


def test_an_agent_may_claim_extensions_that_overlap_each_other() -> None:
    own = claim("own", "2026-01-01", "100", "_1XX")
    assert award([own])[own.key].granted == ("100", "_1XX")


def test_numbers_that_the_plan_reserves_are_refused_with_the_reason() -> None:
    plan = NumberPlan(phones=("601",), emergency=("112",))
    greedy = claim("greedy", "2026-01-01", "100", "601", "_X.", "112")
    found = award([greedy], {"asterisk": plan})[greedy.key]
    assert found.granted == ("100",)
    assert [(each.extension, each.reason) for each in found.refused] == [
        ("601", "ExtensionReserved"),
        ("_X.", "ExtensionReserved"),
        ("112", "ExtensionReserved"),
    ]
    assert [each.why for each in found.refused] == [
        "phone 601",
        "overlaps phone 601",
        "emergency number 112",
    ]


def test_what_the_plan_refuses_does_not_block_another_agent() -> None:
    plan = NumberPlan(claims=(NamespaceClaims(namespace="calls", numbers=("_1XX",)),))
    first, second = claim("first", "2026-01-01", "_X."), claim("second", "2026-01-02", "100")
    awards = award([first, second], {"asterisk": plan})
    assert [each.reason for each in awards[first.key].refused] == ["ExtensionNotPermitted"]
    assert awards[second.key].granted == ("100",)


def test_transfers_outside_of_interject_need_the_plan() -> None:
    goto = ["from-internal,00900123,1", "interject-phones,601,1", "ivr,s,1"]
    transfers = [{"name": f"t{index}", "goto": place} for index, place in enumerate(goto)]
    sends = claim_of(agent(telephony={"transfers": transfers}))
    without, plan = award([sends])[sends.key], NumberPlan(transfer_places=("ivr,s,1",))
    assert without.transfers == ("interject-phones,601,1",)
    assert without.blocked == ("from-internal,00900123,1", "ivr,s,1")
    assert award([sends], {"asterisk": plan})[sends.key].blocked == ("from-internal,00900123,1",)


def test_asterisks_do_not_share_extensions() -> None:
    here, there = claim("a", "2026-01-01", "100"), claim("b", "2026-01-02", "100", asterisk="two")
    assert [each.granted for each in award([here, there]).values()] == [("100",), ("100",)]


CLAIMS = st.lists(
    st.builds(
        lambda name, day, extensions: claim(f"a{name}", f"2026-01-{day:02}", *sorted(extensions)),
        st.integers(0, 8),
        st.integers(1, 4),
        st.sets(st.sampled_from(["100", "101", "_2XX"])),
    ),
    unique_by=lambda each: each.key,
    max_size=6,
)


@given(CLAIMS, st.randoms())
def test_each_extension_has_one_holder_whatever_the_order(
    claims: list[Claim], random: Random
) -> None:
    awards = award(claims)
    shuffled = list(claims)
    random.shuffle(shuffled)
    assert award(shuffled) == awards
    granted = [extension for each in awards.values() for extension in each.granted]
    assert len(granted) == len(set(granted))
    assert set(granted) == {extension for each in claims for extension in each.extensions}


def test_only_a_changed_claim_touches_the_dialplan() -> None:
    directory = Directory()
    assert directory.put(agent(telephony={"extensions": ["100"]})) == {"asterisk"}
    assert directory.put(agent(telephony={"extensions": ["100"]}, replicas=5)) == set()
    moved = agent(telephony={"extensions": ["100"], "asterisk": "two"})
    assert directory.put(moved) == {"asterisk", "two"}
    assert directory.remove(moved.key) == {"two"}
    assert directory.awards() == {}


def test_rivals_are_those_that_would_gain() -> None:
    directory = Directory()
    directory.put(agent("a", telephony={"extensions": ["100"]}))
    directory.put(agent("b", telephony={"extensions": ["100", "101"]}))
    directory.put(agent("c", telephony={"extensions": ["101"]}))
    assert directory.rivals(("calls", "b")) == {("calls", "a"), ("calls", "c")}
    assert directory.rivals(("calls", "nobody")) == set()


def test_an_agent_whose_pattern_overlaps_is_a_rival() -> None:
    directory = Directory()
    directory.put(agent("a", telephony={"extensions": ["_1XX"]}))
    directory.put(agent("b", telephony={"extensions": ["100"]}))
    assert directory.rivals(("calls", "a")) == {("calls", "b")}
    assert directory.rivals(("calls", "b")) == {("calls", "a")}


def test_an_unreadable_agent_holds_nothing() -> None:
    directory = Directory()
    directory.put(agent(telephony={"extensions": ["100"]}))
    assert directory.put_bad(("calls", "reception"), "uid", 2) == {"asterisk"}
    assert directory.awards() == {}
