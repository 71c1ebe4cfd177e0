"""The lines of the sweep, and the calls on each.

In every call a bot reads its notices in turn. The caller talks into about three of four of them,
0.4 to 3 s after they began, and answers the others once they are over; so the first notice of a
call, each notice after an interruption, and uninterrupted notices all occur. Per call are
drawn: the two voices, their levels (bot -24 to -16, caller -30 to -18 dBov, active level), the echo
path, the law of G.711, and what is said when.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interject_lab.material.voices import SpeechMaterial, Voice, at_level
from interject_lab.network.codecs import Law
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import PATHS, PathKind
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.virtual import ScriptedBot, VirtualCall

ERLS_DB: Final = (12.0, 20.0, 30.0)
DELAYS_MS: Final = (60.0, 250.0, 700.0)
PATH_KINDS: Final[tuple[PathKind, ...]] = ("hybrid", "room")
NOISE_DBFS: Final = -65.0
LAWS: Final[tuple[Law, ...]] = ("mu", "a")

_INTERRUPTED: Final = 0.75
_INTERRUPT_AFTER_S: Final = (0.4, 3.0)
_ANSWER_AFTER_S: Final = 0.4
_BOT_DBFS: Final = (-24.0, -16.0)
_CALLER_DBFS: Final = (-30.0, -18.0)
_SHORTEST_CYCLE_S: Final = 2.5
"""No notice, interruption and pause together are shorter."""


@dataclass(frozen=True, slots=True)
class LineCondition:
    """One kind of line."""

    erl_db: float
    delay_ms: float
    path: PathKind

    def __str__(self) -> str:
        return f"ERL {self.erl_db:g} dB, {self.delay_ms:g} ms, {self.path}"


CONDITIONS: Final = tuple(
    LineCondition(erl_db, delay_ms, path)
    for path, erl_db, delay_ms in itertools.product(PATH_KINDS, ERLS_DB, DELAYS_MS)
)


def make_call(
    condition: LineCondition,
    material: SpeechMaterial,
    rate_hz: int,
    duration_s: float,
    rng: np.random.Generator,
) -> VirtualCall:
    """A call on this line, to be run once; the same for the same state of `rng`."""
    bot = _pick(material.bots, rng)
    caller = _pick(material.callers, rng)
    bot_dbfs, caller_dbfs = rng.uniform(*_BOT_DBFS), rng.uniform(*_CALLER_DBFS)
    order = rng.permutation(len(bot.phrases))
    notices = [at_level(bot.phrases[index], rate_hz, bot_dbfs) for index in order]
    plan = [
        _utterance(caller, rate_hz, caller_dbfs, rng)
        for _ in range(int(duration_s / _SHORTEST_CYCLE_S) + 1)
    ]
    line = TelephoneLine(
        rate_hz,
        PATHS[condition.path](rng, rate_hz),
        erl_db=condition.erl_db,
        delays=[DelayStep(0.0, condition.delay_ms)],
        bot_speech=np.concatenate(notices[:3]),
        law=LAWS[int(rng.integers(len(LAWS)))],
        noise_dbfs=NOISE_DBFS,
        rng=rng,
    )
    return VirtualCall(line, Caller(plan, rate_hz), ScriptedBot(notices, rate_hz))


def _utterance(
    voice: Voice, rate_hz: int, level_dbfs: float, rng: np.random.Generator
) -> PlannedUtterance:
    index = int(rng.integers(len(voice.phrases)))
    pcm = at_level(voice.phrases[index], rate_hz, level_dbfs)
    after_s = float(rng.uniform(*_INTERRUPT_AFTER_S))
    if rng.random() < _INTERRUPTED:
        return PlannedUtterance(f"{voice.name} {index}", pcm, Cue.BOT_SPEAKING, after_s)
    return PlannedUtterance(f"{voice.name} {index}", pcm, Cue.BOT_SILENT, _ANSWER_AFTER_S)


def _pick(voices: Sequence[Voice], rng: np.random.Generator) -> Voice:
    return voices[int(rng.integers(len(voices)))]
