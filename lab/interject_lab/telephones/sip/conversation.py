"""A telephone's call after the answer: the media loop, the end, the record."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from aiosipua import SdpMessage

from interject_lab.call_record import CallRecord
from interject_lab.errors import LabError
from interject_lab.network.codecs import CODECS, CodecName
from interject_lab.telephones.handset import Handset
from interject_lab.telephones.sip import session
from interject_lab.telephones.sip.dialogs import Dialog, first_of
from interject_lab.telephones.sip.media import Media, MediaSettings
from interject_lab.telephones.sip.rtp import event_packets
from interject_lab.telephones.sip.rtp_log import RtpLog
from interject_lab.telephones.sip.udp import RtpSocket
from interject_lab.telephones.sip.uplink import PTIMES_MS, NegotiatedMedia

CALLER_HUNG_UP: Final = "the caller hung up"
BOT_HUNG_UP: Final = "the bot hung up"


@dataclass(frozen=True, slots=True, eq=False)
class SipCall:
    """One call as the telephone saw it."""

    record: CallRecord
    """Empty if the call was never answered."""
    rtp: RtpLog
    status: int
    """The final SIP status: 200 for an answered call."""
    reason: str
    ended: str
    """How it ended, as text; as in `record`."""
    ringing: bool
    """It rang before."""
    answered_ns: int | None = None
    """The time of its answer, when the record begins."""
    codec: CodecName | None = None
    packets_sent: int = 0
    """By the telephone, including those that the uplink lost."""
    uplink_lost: int = 0
    downlink_lost: int = 0


class Conversation:
    """The common part of outgoing and incoming calls.

    Args:
        handset: made for this call, on a line of `rate_hz`.
        rate_hz: of every codec's audio.
        codecs: allowed codecs, the preferred first.
        settings: how the telephone sends, and the network.
        progress: receives the seconds since the answer, once a second.
        clock_ns: a monotonic clock; it must run with the event loop's.
        rng: for the initial values of RTP's counters.

    Raises:
        LabError: an unusable codec, packet length or DTMF digit.
    """

    def __init__(
        self,
        handset: Handset,
        rate_hz: int,
        *,
        codecs: Sequence[CodecName],
        settings: MediaSettings,
        progress: Callable[[float], None],
        clock_ns: Callable[[], int],
        rng: np.random.Generator,
    ) -> None:
        _check(codecs, settings, rate_hz)
        self._handset = handset
        self.codecs = tuple(codecs)
        self.settings = settings
        self._progress = progress
        self.clock_ns = clock_ns
        self._rng = rng
        self.hung_up = asyncio.Event()
        """The caller hangs up."""
        self.ringing = asyncio.Event()

    async def hold(self, socket: RtpSocket, dialog: Dialog, agreed: NegotiatedMedia) -> SipCall:
        """Talk over `dialog`, which has just been answered, until either side hangs up.

        Raises:
            LabError: a DTMF digit is due, and the other side accepts none.
        """
        answered_ns = self.clock_ns()
        media = Media(
            self._handset,
            socket,
            agreed,
            self.settings,
            progress=self._progress,
            start_ns=answered_ns,
            rng=self._rng,
        )
        dialog.answer_offers(lambda offered: self._reoffered(media, socket, offered))
        await first_of(self._talk(media), dialog.ended.wait(), self.hung_up.wait())
        media.finish(self.clock_ns())
        ended = BOT_HUNG_UP if dialog.ended.is_set() else CALLER_HUNG_UP
        await dialog.hang_up()
        return SipCall(
            record=self._handset.record(media.sent_ns, ended),
            rtp=media.log,
            status=200,
            reason="OK",
            ended=ended,
            ringing=self.ringing.is_set(),
            answered_ns=answered_ns,
            codec=agreed.codec.name,
            packets_sent=media.up.passed + media.up.lost,
            uplink_lost=media.up.lost,
            downlink_lost=media.down.lost,
        )

    def none(self, status: int, reason: str, ended: str) -> SipCall:
        """The record of a call that was not answered."""
        record = self._handset.record([], ended)
        return SipCall(record, RtpLog(), status, reason, ended, self.ringing.is_set())

    async def _talk(self, media: Media) -> None:
        while True:
            next_ns = media.step(self.clock_ns())
            if next_ns is None:
                return
            await asyncio.sleep(max(next_ns - self.clock_ns(), 0) / 1e9)

    def _reoffered(self, media: Media, socket: RtpSocket, offered: SdpMessage | None) -> SdpMessage:
        """Answer a re-INVITE: the other side's address may change, the codec not."""
        names = (media.codec.name,)
        if offered is None:
            return session.offer(names, socket.address, self.settings.ptime_ms)
        answer, agreed = session.answer(offered, names, socket.address, self.settings.ptime_ms)
        media.remote = agreed.remote
        return answer


def _check(codecs: Sequence[CodecName], settings: MediaSettings, rate_hz: int) -> None:
    if not codecs:
        raise LabError(f"a telephone without a codec: expected some of {', '.join(CODECS)}")
    for name in codecs:
        if name not in CODECS:
            raise LabError(f"no codec {name!r}: expected one of {', '.join(CODECS)}")
        codec_hz = CODECS[name]().rate_hz
        if codec_hz != rate_hz:
            raise LabError(
                f"{name} has audio at {codec_hz} Hz, the line runs at {rate_hz} Hz:"
                f" use a line at {codec_hz} Hz"
            )
    if settings.ptime_ms not in PTIMES_MS:
        raise LabError(f"packets of {settings.ptime_ms} ms: expected one of {PTIMES_MS}")
    for press in settings.dtmf:
        event_packets(press.digit)
