"""One call with the simulated telephone, as its user wants it."""

import asyncio
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from media_pod.agents.espeak import synthesize
from media_pod.agents.wav import read_wav
from media_pod.errors import SetupError
from media_pod.lab.call_start import ask_call_start
from media_pod.lab.caller import Cue, Utterance
from media_pod.lab.errors import LabError
from media_pod.lab.line import DelayStep, Line
from media_pod.lab.paths import PATHS, PathKind
from media_pod.lab.phone import Phone
from media_pod.lab.record import UNDERRUN, CallRecord
from media_pod.lab.ticks import Dtmf
from media_pod.measure.watched import Tell, WatchedCaller

Pcm = NDArray[np.int16]

CALLER_VOICE: Final = "en-gb+f4"
DIGIT_EVERY_S: Final = 0.25
_BOT_VOICE: Final = "en-us"
_BOT_TEXT: Final = "This is what the echo of a bot is set by: a voice that reads some sentence."


@dataclass(frozen=True, slots=True)
class Wish:
    """A call: the line, and what the caller does when."""

    rate_hz: int
    erl_db: float
    """`math.inf` for no echo."""
    delay_ms: float
    path: PathKind
    noise_dbfs: float
    seconds: float
    says: Sequence[tuple[float, str]]
    """At which second, which text."""
    plays: Sequence[tuple[float, str]]
    """At which second, which WAV file."""
    dtmf: Sequence[tuple[float, str]]
    """From which second on, which digits."""
    seed: int


async def call(host_port: str, wish: Wish, uuid: UUID, tell: Tell) -> CallRecord:
    """Ask the pod whose API is at `host_port` for room, and call it.

    Args:
        host_port: of the API.
        wish: the call.
        uuid: of the call.
        tell: told what happens.

    Raises:
        InterjectError: the call did not come about.
    """
    api = _api(host_port)
    phone = await asyncio.to_thread(_phone, wish, tell)
    host, port = await ask_call_start(api, uuid, from_number="5550100", to_number="100")
    tell(0.0, f"the pod says: AudioSocket at {host}:{port}")
    return await phone.call(host, port, uuid)


def save_stereo(path: Path, record: CallRecord) -> None:
    """Write what the telephone sent (left) and what it played (right) as one WAV file.

    Raises:
        SetupError: the file cannot be written.
    """
    tick = record.tick_samples
    played = np.zeros((record.bot_played_sample.size, tick), np.int16)
    for row, start in zip(played, record.bot_played_sample, strict=True):
        if start != UNDERRUN:
            row[:] = record.bot[start : start + tick]
    both = np.stack([record.caller, played.reshape(-1)], axis=1)
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(record.rate_hz)
            file.writeframes(both.astype("<i2").tobytes())
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}; give another file") from error


def _api(host_port: str) -> str:
    expected = "expected HOST:PORT of the pod's API, usually port 1650"
    try:
        parts = urlsplit(f"//{host_port}")
        port = parts.port
    except ValueError as error:
        raise LabError(f"read the address {host_port!r} ({error}), {expected}") from None
    if not parts.hostname or not port or parts.netloc != host_port or "@" in host_port:
        raise LabError(f"read the address {host_port!r}, {expected}")
    return f"http://{host_port}"


def _phone(wish: Wish, tell: Tell) -> Phone:
    rng = np.random.default_rng(wish.seed)
    line = Line(
        wish.rate_hz,
        PATHS[wish.path](rng, wish.rate_hz),
        erl_db=wish.erl_db,
        delays=[DelayStep(0.0, wish.delay_ms)],
        bot_speech=_say(_BOT_TEXT, wish.rate_hz, _BOT_VOICE),
        noise_dbfs=wish.noise_dbfs,
        rng=rng,
    )
    caller = WatchedCaller(_plan(wish), wish.rate_hz, tell)
    return Phone(line, caller, max_s=wish.seconds, dtmf=_keys(wish.dtmf))


def _plan(wish: Wish) -> list[Utterance]:
    plan = [
        Utterance(text, _say(text, wish.rate_hz, CALLER_VOICE), Cue.AT, at_s)
        for at_s, text in wish.says
    ]
    plan += [
        Utterance(Path(path).name, read_wav(Path(path), wish.rate_hz), Cue.AT, at_s)
        for at_s, path in wish.plays
    ]
    return sorted(plan, key=lambda utterance: utterance.cue_s)


def _keys(dtmf: Sequence[tuple[float, str]]) -> list[Dtmf]:
    keys = [
        Dtmf(at_s + index * DIGIT_EVERY_S, digit)
        for at_s, digits in dtmf
        for index, digit in enumerate(digits)
    ]
    return sorted(keys, key=lambda key: key.at_s)


def _say(text: str, rate_hz: int, voice: str) -> Pcm:
    made = synthesize(text, rate_hz, voice)
    if not made:
        raise SetupError(f"nothing to say in {text!r}: give some words")
    return np.concatenate([speech.pcm for speech in made])
