import pytest
from aiosipua import SdpMessage, parse_sdp, serialize_sdp
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.network.codecs import CODECS, CodecName
from interject_lab.telephones.sip import session

name_lists = st.lists(st.sampled_from(sorted(CODECS)), min_size=1, unique=True)

HERE = ("127.0.0.1", 4000)
THERE = ("127.0.0.2", 5000)


def over_the_wire(made: SdpMessage) -> SdpMessage:
    return parse_sdp(serialize_sdp(made))


@given(name_lists, name_lists, st.sampled_from((10, 20, 30, 40, 60)))
def test_both_sides_agree_on_the_offerers_first_choice_that_the_other_has(
    mine: list[CodecName], theirs: list[CodecName], ptime_ms: int
) -> None:
    offered = over_the_wire(session.offer(mine, HERE, ptime_ms))
    common = [name for name in mine if name in theirs]
    if not common:
        with pytest.raises(LabError, match="no codec in common"):
            session.answer(offered, theirs, THERE, 20)
        return
    answer, agreed_there = session.answer(offered, theirs, THERE, 20)
    agreed_here = session.agree(over_the_wire(answer), mine)
    assert agreed_here.codec.name == agreed_there.codec.name == common[0]
    assert agreed_here.event_type == agreed_there.event_type == 101
    assert agreed_here.remote == THERE
    assert agreed_there.remote == HERE


def test_each_side_tells_its_own_packets() -> None:
    offered = session.offer(["PCMU"], HERE, 60)
    answer, _ = session.answer(over_the_wire(offered), ["PCMU"], THERE, 10)
    assert offered.audio is not None
    assert answer.audio is not None
    assert offered.audio.attributes["ptime"] == ["60"]
    assert answer.audio.attributes["ptime"] == ["10"]


def test_an_answer_without_events_has_none() -> None:
    body = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 6000 RTP/AVP 8\r\n"
    agreed = session.agree(parse_sdp(body), ["PCMU", "PCMA"])
    assert (agreed.codec.name, agreed.event_type) == ("PCMA", None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("v=0\r\n", "the SDP answer has no audio"),
        ("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 6000 RTP/AVP 8\r\n", "offered PCMU, the answer has"),
        ("v=0\r\nm=audio 6000 RTP/AVP 0\r\n", "the SDP answer has no audio"),
    ],
)
def test_an_answer_of_no_use_is_reported(body: str, text: str) -> None:
    with pytest.raises(LabError, match=text):
        session.agree(parse_sdp(body), ["PCMU"])


def test_a_call_without_an_offer_is_reported() -> None:
    with pytest.raises(LabError, match="the INVITE has no SDP offer"):
        session.answer(None, ["PCMU"], THERE, 20)
