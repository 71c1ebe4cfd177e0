"""One call with the simulated telephone, as the command line describes it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np

from interject_lab.audio_files import read_audio, write_stereo
from interject_lab.call_record import UNDERRUN, CallRecord
from interject_lab.errors import LabError
from interject_lab.network.levels import BOT_PAUSE_MS
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import PATHS, PathKind
from interject_lab.telephones.caller import Caller, Cue, Pcm, PlannedUtterance
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.phone import Phone, ask_call_start
from media_pod.duplex.contract import TICK_MS
from media_pod.errors import SetupError
from media_pod.listening import host_port
from media_pod.providers.builtin.espeak import synthesize

OnEvent = Callable[[float, str], None]
"""Receives the time of an event on the telephone's clock, in s, and its description."""

_TICK_S = TICK_MS / 1000


class WatchedCaller(Caller):
    """`Caller` that reports when the bot and the caller start and stop speaking.

    The bot counts as silent after a pause of more than `BOT_PAUSE_MS`; the time reported is that of
    its last sound.
    """

    def __init__(self, plan: Sequence[PlannedUtterance], rate_hz: int, on_event: OnEvent) -> None:
        super().__init__(plan, rate_hz)
        self._on_event = on_event
        self._samples_per_tick = rate_hz * TICK_MS // 1000
        self._watched_ticks = 0
        self._bot_since: int | None = None
        """The tick in which the bot started to speak; None while it is silent."""
        self._bot_until = 0
        """The tick after its last sound."""
        self._talks = 0
        self._talking = False

    def step(self, bot_is_speaking: bool) -> Pcm:
        """See `Caller.step`."""
        if not self._watched_ticks:
            self._on_event(0.0, "connected")
        frame = super().step(bot_is_speaking)
        self._watch_bot(bot_is_speaking)
        self._watched_ticks += 1
        self._watch_caller()
        return frame

    def _watch_bot(self, speaking: bool) -> None:
        now = self._watched_ticks
        if speaking:
            self._bot_until = now + 1
            if self._bot_since is None:
                self._bot_since = now
                self._on_event(now * _TICK_S, "bot speaks")
        elif self._bot_since is not None and (now + 1 - self._bot_until) * TICK_MS > BOT_PAUSE_MS:
            spoke_s = (self._bot_until - self._bot_since) * _TICK_S
            self._on_event(self._bot_until * _TICK_S, f"bot silent, after {spoke_s:.2f} s")
            self._bot_since = None

    def _watch_caller(self) -> None:
        sample_s = _TICK_S / self._samples_per_tick
        if len(self.spoken) > self._talks:
            latest = self.spoken[-1]
            over = " over the bot" if latest.interrupts else ""
            self._on_event(latest.onset_sample * sample_s, f"caller speaks{over}: {latest.label}")
            self._talks, self._talking = len(self.spoken), True
        if self._talking:
            end = self.spoken[-1].end_sample
            if end <= self._watched_ticks * self._samples_per_tick:
                self._on_event(end * sample_s, "caller silent")
                self._talking = False


CALLER_VOICE: Final = "en-gb+f4"
DIGIT_EVERY_S: Final = 0.25
_BOT_VOICE: Final = "en-us"
_BOT_TEXT: Final = "This is what the echo of a bot is set by: a voice that reads some sentence."


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call: the line, and the caller's actions."""

    rate_hz: int
    erl_db: float
    """`math.inf` for no echo."""
    delay_ms: float
    path: PathKind
    noise_dbfs: float
    seconds: float
    says: Sequence[tuple[float, str]]
    """(time in s, text)"""
    plays: Sequence[tuple[float, str]]
    """(time in s, audio file)"""
    dtmf: Sequence[tuple[float, str]]
    """(time in s of the first digit, digits)"""
    seed: int


async def call(address: str, plan: CallPlan, uuid: UUID, on_event: OnEvent) -> CallRecord:
    """Reserve a call at the pod's HTTP API, and call the pod.

    Args:
        address: host and port of the API.
        plan: the call.
        uuid: the call's identifier.
        on_event: receives each event as it happens.

    Raises:
        InterjectError: the call failed before it started.
    """
    api = _api(address)
    phone = await asyncio.to_thread(_phone, plan, on_event)
    host, port = await ask_call_start(api, uuid, from_number="5550100", to_number="100")
    on_event(0.0, f"the pod reserved a slot: AudioSocket at {host_port(host, port)}")
    return await phone.call(host, port, uuid)


def save_stereo(path: Path, record: CallRecord) -> None:
    """Write an audio file: left what the telephone sent, right what it played.

    Raises:
        SetupError: the file cannot be written.
    """
    tick = record.tick_samples
    played = np.zeros((record.bot_played_sample.size, tick), np.int16)
    for frame, start in zip(played, record.bot_played_sample, strict=True):
        if start != UNDERRUN:
            frame[:] = record.bot[start : start + tick]
    write_stereo(path, record.caller, played.reshape(-1), record.rate_hz)


def _api(address: str) -> str:
    expected = "expected HOST:PORT of the pod's API, usually port 1650"
    try:
        parts = urlsplit(f"//{address}")
        port = parts.port
    except ValueError as error:
        raise LabError(f"read the address {address!r} ({error}), {expected}") from None
    if not parts.hostname or not port or parts.netloc != address or "@" in address:
        raise LabError(f"read the address {address!r}, {expected}")
    return f"http://{address}"


def _phone(plan: CallPlan, on_event: OnEvent) -> Phone:
    rng = np.random.default_rng(plan.seed)
    line = TelephoneLine(
        plan.rate_hz,
        PATHS[plan.path](rng, plan.rate_hz),
        erl_db=plan.erl_db,
        delays=[DelayStep(0.0, plan.delay_ms)],
        bot_speech=_say(_BOT_TEXT, plan.rate_hz, _BOT_VOICE),
        noise_dbfs=plan.noise_dbfs,
        rng=rng,
    )
    caller = WatchedCaller(_utterances(plan), plan.rate_hz, on_event)
    return Phone(line, caller, max_s=plan.seconds, dtmf=_digits(plan.dtmf))


def _utterances(plan: CallPlan) -> list[PlannedUtterance]:
    utterances = [
        PlannedUtterance(text, _say(text, plan.rate_hz, CALLER_VOICE), Cue.AT, at_s)
        for at_s, text in plan.says
    ]
    utterances += [
        PlannedUtterance(Path(path).name, read_audio(Path(path), plan.rate_hz), Cue.AT, at_s)
        for at_s, path in plan.plays
    ]
    return sorted(utterances, key=lambda utterance: utterance.cue_s)


def _digits(dtmf: Sequence[tuple[float, str]]) -> list[Dtmf]:
    keys = [
        Dtmf(at_s + index * DIGIT_EVERY_S, digit)
        for at_s, digits in dtmf
        for index, digit in enumerate(digits)
    ]
    return sorted(keys, key=lambda key: key.at_s)


def _say(text: str, rate_hz: int, voice: str) -> Pcm:
    made = synthesize(text, rate_hz, voice)
    if not made:
        raise SetupError(f"no speech in {text!r}: expected some words")
    return np.concatenate([speech.pcm for speech in made])
