"""A telephone and a server that challenges, repeats itself, and changes its mind."""

import asyncio

import pytest
from aiosipua import SipRequest, SipResponse

from interject_lab.errors import LabError
from interject_lab.telephones.sip import dialogs, transport
from interject_lab.telephones.sip import phone as phone_module
from interject_lab.telephones.sip.signalling import Account
from interject_lab.telephones.sip.udp import rtp_socket
from lab.telephones.sip.conftest import make_phone
from lab.telephones.sip.server import challenge, knows, respond, serving

MEDIA = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"


def with_media(request: SipRequest) -> SipResponse:
    response = respond(request, 200, "OK", Content_Type="application/sdp")
    response.text = MEDIA
    return response


def guarded(request: SipRequest) -> list[SipResponse]:
    """Knows one account; what it challenges, it challenges twice; callers it knows are busy."""
    if request.method == "ACK":
        return []
    if not knows(Account("caller", "secret", "", 0), request):
        return [challenge(request), challenge(request)]
    if request.method == "INVITE":
        return [respond(request, 100, "Trying"), respond(request, 486, "Busy Here")]
    return [respond(request, 200, "OK", Expires="60")]


async def test_a_challenge_is_answered_and_every_rejection_acknowledged() -> None:
    async with serving(guarded) as server:
        call = await make_phone(account=server.account()).call("100")
    assert call.ended == "rejected: 486 Busy Here"
    assert server.methods()["INVITE"] == 2
    assert server.methods()["ACK"] >= 2
    invite, ack = (next(r for r in server.came if r.method == m) for m in ("INVITE", "ACK"))
    assert ack.via[0].branch == invite.via[0].branch
    assert (ack.get_header("To") or "").endswith(";tag=server")
    assert ack.uri == invite.uri


async def test_a_wrong_password_is_a_rejected_call() -> None:
    async with serving(guarded) as server:
        call = await make_phone(account=server.account(password="wrong")).call("100")
    assert (call.status, call.ended) == (401, "rejected: 401 Unauthorized")


async def test_a_telephone_stands_in_the_book_and_leaves_it() -> None:
    async with serving(guarded) as server:
        async with make_phone(account=server.account()).registered() as line:
            (_, second) = server.came
            host, port = line.address
            assert second.get_header("Contact") == f"<sip:caller@{host}:{port}>"
            assert second.get_header("Expires") == "300"
        assert server.came[-1].get_header("Expires") == "0"
        assert server.methods() == {"REGISTER": 4}


async def test_a_registration_that_is_refused_is_reported() -> None:
    async with serving(guarded) as server:
        phone = make_phone(account=server.account(password="wrong"))
        with pytest.raises(
            LabError, match="answered 401 Unauthorized to the registration of caller"
        ):
            async with phone.registered():
                pass


async def test_requests_are_sent_again_until_they_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "FIRST_RESEND_S", 0.01)

    def deaf(request: SipRequest) -> list[SipResponse]:
        invites = server.methods()["INVITE"]
        busy = request.method == "INVITE" and invites == 3
        return [respond(request, 486, "Busy Here")] if busy else []

    async with serving(deaf) as server:
        call = await make_phone(account=server.account(password="")).call("100")
    assert call.status == 486
    invites = [request for request in server.came if request.method == "INVITE"]
    assert len({bytes(invite) for invite in invites}) == 1


async def test_a_server_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_module, "RESPONSE_DEADLINE_S", 0.05)
    async with serving(lambda request: []) as server:
        with pytest.raises(LabError, match=r"no SIP answer from 127.0.0.1:\d+ .* server running"):
            await make_phone(account=server.account()).call("100")


async def test_an_answer_that_crosses_a_cancel_is_hung_up() -> None:
    def late(request: SipRequest) -> list[SipResponse]:
        if request.method == "INVITE":
            return [respond(request, 180, "Ringing")]
        if request.method == "CANCEL":
            invite = next(r for r in server.came if r.method == "INVITE")
            return [respond(request, 200, "OK"), with_media(invite)]
        return [respond(request, 200, "OK")] if request.method == "BYE" else []

    async with serving(late) as server:
        phone = make_phone(account=server.account(password=""))
        calling = asyncio.create_task(phone.call("100"))
        await phone.ringing.wait()
        phone.hang_up()
        call = await calling
    assert (call.status, call.ended) == (200, "the caller hung up before an answer")
    assert [r.method for r in server.came] == ["INVITE", "CANCEL", "ACK", "BYE"]


async def test_a_cancel_that_nobody_concludes_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogs, "RESPONSE_DEADLINE_S", 0.05)

    def stubborn(request: SipRequest) -> list[SipResponse]:
        return [respond(request, 180, "Ringing")] if request.method == "INVITE" else []

    async with serving(stubborn) as server:
        phone = make_phone(account=server.account(password=""))
        calling = asyncio.create_task(phone.call("100"))
        await phone.ringing.wait()
        phone.hang_up()
        with pytest.raises(LabError, match="did not conclude a cancelled call"):
            await calling


async def test_an_answer_of_no_use_ends_the_call() -> None:
    def mute(request: SipRequest) -> list[SipResponse]:
        return [] if request.method == "ACK" else [respond(request, 200, "OK")]

    async with serving(mute) as server:
        with pytest.raises(LabError, match="the SDP answer has no audio"):
            await make_phone(account=server.account(password="")).call("100")
    assert [r.method for r in server.came] == ["INVITE", "ACK", "BYE"]


async def test_a_bye_that_nobody_answers_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogs, "BYE_DEADLINE_S", 0.05)

    def gone(request: SipRequest) -> list[SipResponse]:
        return [with_media(request)] if request.method == "INVITE" else []

    async with serving(gone) as server:
        call = await make_phone(account=server.account(password=""), max_s=0.1).call("100")
    assert call.ended == "the caller hung up"
    assert call.record.caller.size == 800


def offer_anew(invite: SipRequest, port: int) -> SipRequest:
    """The server's own INVITE in the dialog of `invite`, with its audio at another `port`."""
    again = SipRequest(method="INVITE", uri="sip:caller@127.0.0.1")
    again.set_header("Via", "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKanew;rport")
    again.set_header("From", f"{invite.get_header('To')};tag=server")
    again.set_header("To", invite.get_header("From") or "")
    again.set_header("Call-ID", invite.call_id or "")
    again.set_header("CSeq", "1 INVITE")
    again.set_header("Content-Type", "application/sdp")
    again.text = MEDIA.replace("audio 9", f"audio {port}")
    return again


async def test_the_audio_may_move_during_the_call() -> None:
    def moving(request: SipRequest) -> list[SipResponse]:
        if request.method == "ACK":
            server.send(offer_anew(server.came[0], elsewhere.address[1]))
            return []
        return [with_media(request)]

    with rtp_socket(lambda: 0) as elsewhere:
        async with serving(moving) as server:
            await make_phone(account=server.account(password=""), max_s=0.2).call("100")
            assert [response.status_code for response in server.responses] == [200]
            assert "m=audio" in server.responses[0].text
        assert len(list(elsewhere.receive())) >= 8


async def test_an_offer_without_the_codec_is_refused_and_the_call_goes_on() -> None:
    def changing(request: SipRequest) -> list[SipResponse]:
        if request.method == "ACK":
            other = offer_anew(server.came[0], 9)
            other.text = other.text.replace("AVP 0", "AVP 8")
            server.send(other)
            return []
        return [with_media(request)]

    async with serving(changing) as server:
        call = await make_phone(account=server.account(password=""), max_s=0.1).call("100")
    assert [response.status_code for response in server.responses] == [488]
    assert call.ended == "the caller hung up"
    assert server.methods()["BYE"] == 1


async def test_a_second_caller_hears_that_it_is_busy() -> None:
    def disturbing(request: SipRequest) -> list[SipResponse]:
        if request.method == "ACK":
            other = offer_anew(server.came[0], 9)
            other.set_header("Call-ID", "another")
            server.send(other)
            return []
        return [with_media(request)]

    async with serving(disturbing) as server:
        call = await make_phone(account=server.account(password=""), max_s=0.1).call("100")
    assert [response.status_code for response in server.responses] == [100, 486]
    assert call.ended == "the caller hung up"
