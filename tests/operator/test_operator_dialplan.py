"""The dialplan that comes of awards."""

from voice_agents import agent

from asterisk_config.published import check
from voiceagent_operator.agents.directory import award, claim_of
from voiceagent_operator.reconcile.dialplan import PublishedDialplan, dialplan, turned


def test_asterisk_takes_it_and_finds_the_agents_pods_there() -> None:
    transfers = {"transfers": [{"name": "person", "goto": "interject-phones,601,1"}]}
    claims = [
        claim_of(agent("sales", telephony={"extensions": ["100", "_3069X."], **transfers})),
        claim_of(agent("wide", "other", line={"rateHz": 16000}, server={"httpPort": 1700})),
    ]
    text = dialplan(list(award(claims).values()))
    check(text, "the dialplan")
    for part in (
        "exten => 100,1,",
        "exten => _3069X.,1,",
        "sales.calls.svc:1650",
        "wide.other.svc:1700",
        "interject-phones,601,1",
    ):
        assert part in text


def test_a_transfer_to_an_outside_line_is_not_in_it() -> None:
    transfers = [
        {"name": "person", "goto": "interject-phones,601,1"},
        {"name": "abroad", "goto": "from-internal,00900123,1"},
    ]
    sends = claim_of(agent(telephony={"extensions": ["100"], "transfers": transfers}))
    text = dialplan(list(award([sends]).values()))
    assert "interject-phones,601,1" in text
    assert "00900123" not in text


def test_a_dialplan_without_agents_is_valid() -> None:
    check(dialplan([]), "the dialplan")


def test_of_two_that_claim_one_extension_only_the_older_is_in_it() -> None:
    both = [
        claim_of(agent(name, telephony={"extensions": ["100"]})) for name in ("first", "second")
    ]
    text = dialplan(list(award(both).values()))
    assert text.count("exten => 100,1,") == 1


def test_only_those_are_reconciled_whose_publication_has_turned() -> None:
    here = frozenset({"asterisk"})
    first, second, third = (("calls", name) for name in ("first", "second", "third"))
    before = PublishedDialplan(frozenset({(first, ("100",)), (second, ("101",))}), here)
    after = PublishedDialplan(frozenset({(first, ("100",)), (second, ()), (third, ("101",))}), here)
    assert turned(before, after) == {second, third}
    assert turned(after, after) == set()
    assert turned(None, after) == {first, second, third}
    assert turned(PublishedDialplan(after.granted, frozenset()), after) == {first, second, third}
