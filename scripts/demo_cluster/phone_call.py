"""The demonstration's caller on its echoing line, by SIP through the cluster's Asterisk."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from interject_lab.call_record import CallRecord
from interject_lab.demo.scenario import FULL, caller, line
from interject_lab.reports.trace import Span
from interject_lab.scoring.outcome import has_sound
from interject_lab.scoring.score import CallScore, score
from interject_lab.telephones.sip.phone import SipPhone
from interject_lab.telephones.sip.signalling import Account

POLL_S: Final = 0.3
BARGE_IN: Final = "bargein"


@dataclass(frozen=True)
class DemoCall:
    """As the telephone heard it."""

    record: CallRecord
    uuid: str
    """In the pods; "" if none of them could be asked."""
    answered_us: int
    """Microseconds since 1970."""


async def call(
    account: Account,
    extension: str,
    uuids: Callable[[], list[str]],
    progress: Callable[[float], None],
) -> DemoCall:
    """Call and talk as the demonstration's caller does, until either side hangs up.

    Args:
        uuids: asks the pods for their calls; blocks.

    Raises:
        LabError: no answer.
    """
    speaker, echo = await asyncio.to_thread(lambda: (caller(FULL), line()[0]))
    phone = SipPhone(account, echo, speaker, max_s=FULL.seconds, progress=progress)
    watching = asyncio.create_task(_uuid(uuids))
    try:
        called = await phone.call(extension)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    uuid = watching.result() if not watching.cancelled() else ""
    ago_s = (time.monotonic_ns() - (called.answered_ns or time.monotonic_ns())) / 1e9
    return DemoCall(called.record, uuid, round((time.time() - ago_s) * 1e6))


def judge(call: DemoCall, spans: list[Span]) -> CallScore:
    """The call's figures. A stop is one in its trace; when it was silent, the telephone heard."""
    record = call.record
    sounds = has_sound(record.bot, record.rate_hz)
    ends = np.flatnonzero(sounds[:-1] & ~sounds[1:]) + 1
    first_ns = int(record.caller_sent_ns[0]) if record.caller_sent_ns.size else 0
    heard_s = (record.bot_arrived_ns[ends] - first_ns) / 1e9
    stops = []
    for span in spans:
        if span.name == BARGE_IN and ends.size:
            at_s = (span.began_us + span.lasted_us - call.answered_us) / 1e6
            nearest = int(np.argmin(np.abs(heard_s - at_s)))
            stops.append(int(ends[nearest]) * record.tick_samples)
    return score("Interject on Kubernetes", record, stops)


async def _uuid(uuids: Callable[[], list[str]]) -> str:
    """Of the first call that any of the pods has."""
    while True:
        if found := await asyncio.to_thread(uuids):
            return found[0]
        await asyncio.sleep(POLL_S)
