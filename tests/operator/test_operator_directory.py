"""Which agent holds which extension, and which agents a change affects."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from voice_agents import agent

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


def test_an_unreadable_agent_holds_nothing() -> None:
    directory = Directory()
    directory.put(agent(telephony={"extensions": ["100"]}))
    assert directory.put_bad(("calls", "reception"), "uid", 2) == {"asterisk"}
    assert directory.awards() == {}
