"""The SDP of both sides of a call, and the negotiated media."""

from collections.abc import Sequence

from aiosipua import (
    ConnectionData,
    MediaDescription,
    Origin,
    SdpMessage,
    SdpNegotiationError,
    negotiate_sdp,
)

from interject_lab.errors import LabError
from interject_lab.network.codecs import CLOCK_HZ, CODECS, Codec, CodecName
from interject_lab.telephones.sip.udp import Address
from interject_lab.telephones.sip.uplink import NegotiatedMedia

EVENT_TYPE = 101
"""The usual payload type of telephone events."""


def offer(names: Sequence[CodecName], rtp: Address, ptime_ms: int) -> SdpMessage:
    """An offer of these codecs, the preferred first, with RTP at the local address `rtp`."""
    host, port = rtp
    codecs = [CODECS[name]() for name in names]
    maps = [f"{codec.payload_type} {codec.name}/{CLOCK_HZ}" for codec in codecs]
    media = MediaDescription(
        media="audio",
        port=port,
        formats=[str(codec.payload_type) for codec in codecs] + [str(EVENT_TYPE)],
        attributes={
            "rtpmap": [*maps, f"{EVENT_TYPE} telephone-event/{CLOCK_HZ}"],
            "fmtp": [f"{EVENT_TYPE} 0-15"],
            "ptime": [str(ptime_ms)],
            "sendrecv": [],
        },
    )
    return SdpMessage(
        origin=Origin(session_id=str(port), session_version=str(port), address=host),
        session_name="-",
        connection=ConnectionData(address=host),
        media=[media],
    )


def agree(answer: SdpMessage | None, names: Sequence[CodecName]) -> NegotiatedMedia:
    """The media negotiated by `answer` to an offer of these codecs.

    Raises:
        LabError: the answer has none of the codecs, or no address.
    """
    if answer is None or answer.audio is None or answer.rtp_address is None:
        raise LabError("the SDP answer has no audio: check the allowed codecs of the other side")
    answered = [codec.payload_type for codec in answer.audio.codecs]
    offered = {codec.payload_type: codec for codec in (CODECS[name]() for name in names)}
    codec = next((offered[number] for number in answered if number in offered), None)
    if codec is None:
        raise LabError(f"offered {', '.join(names)}, the answer has payload types {answered}")
    return _agreed(answer, codec)


def answer(
    offered: SdpMessage | None, names: Sequence[CodecName], rtp: Address, ptime_ms: int
) -> tuple[SdpMessage, NegotiatedMedia]:
    """The answer to an offer, with RTP at the local address `rtp`, and the negotiated media.

    The first codec offered that is among `names` is taken.

    Raises:
        LabError: there is none, or no address, or no offer.
    """
    if offered is None:
        raise LabError("the INVITE has no SDP offer: let the server offer first")
    known = {codec.payload_type: codec for codec in (CODECS[name]() for name in names)}
    event_type = _event_type(offered)
    try:
        made, number = negotiate_sdp(
            offered,
            *rtp,
            supported_codecs=list(known),
            dtmf_payload_type=event_type or 0,
            session_id=str(rtp[1]),
        )
    except SdpNegotiationError as error:
        raise LabError(f"no codec in common ({error}): allow one of {', '.join(names)}") from error
    assert made.audio is not None
    made.audio.attributes["ptime"] = [str(ptime_ms)]
    return made, _agreed(offered, known[number])


def _agreed(remote: SdpMessage, codec: Codec) -> NegotiatedMedia:
    address = remote.rtp_address
    if address is None:
        raise LabError("the SDP of the other side has no address for its audio")
    return NegotiatedMedia(codec, _event_type(remote), address)


def _event_type(session: SdpMessage) -> int | None:
    codecs = session.audio.codecs if session.audio else []
    events = (c.payload_type for c in codecs if c.encoding_name.lower() == "telephone-event")
    return next(events, None)
