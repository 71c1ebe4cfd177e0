"""The demonstration's caller on its echoing line, by SIP through the cluster's Asterisk."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
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
    account: Account, extension: str, pods: list[str], progress: Callable[[float], None]
) -> DemoCall:
    """Call and talk as the demonstration's caller does, until either side hangs up.

    Args:
        pods: host:port of the media pods' APIs.

    Raises:
        LabError: no answer.
    """
    speaker, echo = await asyncio.to_thread(lambda: (caller(FULL), line()))
    phone = SipPhone(account, echo, speaker, max_s=FULL.seconds, progress=progress)
    watching = asyncio.create_task(_uuid(pods))
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


async def _uuid(pods: list[str]) -> str:
    """Of the first call that any of the pods has."""
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        while True:
            for pod in pods:
                for found in await _calls(http, pod):
                    return str(found["uuid"])
            await asyncio.sleep(POLL_S)


async def _calls(http: aiohttp.ClientSession, pod: str) -> list[dict[str, Any]]:
    try:
        async with http.get(f"http://{pod}/api/calls") as answer:
            return list((await answer.json())["calls"])
    except (aiohttp.ClientError, TimeoutError):
        return []
