"""What the judge should have said in each tick of a call, and how much each tick counts.

The truth is that of the mix: a sound is active in a tick in which it is within 25 dB of its level,
or in a hole of up to 50 ms between two such ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import MEANT_FOR_THE_BOT, NOTHING, Sound, SoundKind
from interject_lab.network.levels import (
    BOT_PAUSE_MS,
    active_level_dbfs,
    frame_powers,
    speech_bounds,
    without_gaps,
)
from interject_lab.scoring.outcome import has_sound
from interject_lab.telephones.caller import PlannedUtterance
from interject_lab.virtual import VirtualResult
from media_pod.duplex.contract import TICK_MS, Pcm

_ACTIVE_DB: Final = 25.0
_HOLE_FRAMES: Final = 5
_FRAME_MS: Final = 10
_ECHO_TICKS: Final = 1100 // TICK_MS
"""The longest delay of an echo, with the tick that is heard."""
_VOICES: Final[frozenset[SoundKind]] = frozenset(
    {"interruption", "answer", "backchannel", "second_speaker"}
)

# Weights of a tick, after docs/decisions/0029-a-learned-judge.md.
_BOT_SILENT: Final = 0.4
_ONLY_ECHO: Final = 2.0
_FIRST_TICKS: Final = (2, 0.3)
"""The first 40 ms of a sound in which it is active: nobody could tell."""
_DECIDING_TICKS: Final = (12, 2.0)
"""Up to 240 ms of it, when the decision falls."""
_AFTER_TICKS: Final = (3, 0.2)
"""60 ms after it, and after each of its parts."""

_FIRST_UTTERANCE: Final = (6_000 // TICK_MS, 2.0)
"""The first 6 s of a call, in which nobody knows the line yet, are hard and rare."""
_SPEECH: Final = 0.5
_TURN: Final = 0.5
_TURN_DECIDED: Final = (600 // TICK_MS, 0.2)
"""After 600 ms of a voice, its duration says whether it takes the turn."""
_NO_TURN: Final = 3.0
"""Backchannels are rarer and shorter than turns."""

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Per tick of a call, float32 [ticks] each."""

    near: Floats
    """Something sounds at the caller's end."""
    speech: Floats
    """It is a voice."""
    turn: Floats
    """It is meant for the bot, and no backchannel."""
    weight: Floats
    echo: Floats
    """The bot spoke within the longest delay."""

    def stacked(self) -> Floats:
        """[ticks, 5], in this order."""
        return np.stack([self.near, self.speech, self.turn, self.weight, self.echo], axis=1)


def label(
    result: VirtualResult,
    plan: Sequence[PlannedUtterance],
    sounds: Sequence[Sound],
    near_delay_samples: int,
) -> Labels:
    """The labels of one call."""
    rate_hz = result.record.rate_hz
    ticks = result.trace.decision.size
    said = np.full(ticks, NOTHING, np.int64)
    since = np.zeros(ticks, np.int64)
    for each in result.record.spoken:
        if each.plan_index is None:
            continue
        pcm = plan[each.plan_index].pcm
        start = each.onset_sample - speech_bounds(pcm, rate_hz)[0]
        _mark(said, since, each.plan_index, start + near_delay_samples, pcm, rate_hz)
    carried = result.trace.near_tick
    at = np.arange(ticks) if carried is None else carried
    known = (at >= 0) & (at < ticks)
    here = np.where(known, said[np.clip(at, 0, ticks - 1)], NOTHING)
    age = np.where(known, since[np.clip(at, 0, ticks - 1)], 0)
    kinds = np.array([sound.kind for sound in sounds])
    near = here != NOTHING
    voice = near & np.isin(kinds[here], list(_VOICES))
    turn = near & np.isin(kinds[here], list(MEANT_FOR_THE_BOT))
    bot = has_sound(result.trace.played, rate_hz)
    echo = np.convolve(bot, np.ones(_ECHO_TICKS))[: bot.size] > 0
    return Labels(
        near=near.astype(np.float32),
        speech=voice.astype(np.float32),
        turn=turn.astype(np.float32),
        weight=_weights(near, age, echo),
        echo=echo.astype(np.float32),
    )


def output_weights(labels: Floats) -> Floats:
    """How much each output of the network counts, float32 [calls, ticks, 3].

    Speech counts where something sounds, and the turn where that is a voice.

    Args:
        labels: [calls, ticks, 5], as `Labels.stacked`.
    """
    near, speech, turn, weight, _ = np.moveaxis(labels, 2, 0)
    first_ticks, first = _FIRST_UTTERANCE
    weight = weight.copy()
    weight[:, :first_ticks] *= first
    decided_ticks, decided = _TURN_DECIDED
    of_turn = weight * speech * np.where(turn > 0, 1, _NO_TURN)
    of_turn[_lasted_ticks(speech > 0) >= decided_ticks] *= decided
    weights = np.stack([weight, _SPEECH * near * weight, _TURN * of_turn], axis=2)
    return weights.astype(np.float32)


def _lasted_ticks(on: Flags) -> NDArray[np.int64]:
    """[calls, ticks] since when each has been on, with gaps of up to `BOT_PAUSE_MS`."""
    on = np.stack([without_gaps(row, BOT_PAUSE_MS // TICK_MS) for row in on])
    ticks = np.arange(on.shape[1])
    began = np.maximum.accumulate(np.where(on, -1, ticks), axis=1)
    lasted: NDArray[np.int64] = np.where(on, ticks - began - 1, 0)
    return lasted


def activity(pcm: Pcm, rate_hz: int) -> Flags:
    """[frames of 10 ms] whether the sound is active."""
    frame = rate_hz * _FRAME_MS // 1000
    powers = frame_powers(np.pad(pcm, (0, -pcm.size % frame)), frame)
    active = powers > 10 ** ((active_level_dbfs(pcm, rate_hz) - _ACTIVE_DB) / 10)
    return without_gaps(np.asarray(active), _HOLE_FRAMES)


def _mark(
    said: NDArray[np.int64],
    since: NDArray[np.int64],
    index: int,
    start: int,
    pcm: Pcm,
    rate_hz: int,
) -> None:
    frame, tick = rate_hz * _FRAME_MS // 1000, rate_hz * TICK_MS // 1000
    age = 0
    for number in np.flatnonzero(activity(pcm, rate_hz)):
        at = (start + int(number) * frame) // tick
        if 0 <= at < said.size and said[at] != index:
            said[at], since[at] = index, age
            age += 1


def _weights(near: Flags, age: NDArray[np.int64], echoing: Flags) -> Floats:
    weight = np.where(echoing, 1.0, _BOT_SILENT)
    weight[echoing & ~near] *= _ONLY_ECHO
    first, early = _FIRST_TICKS
    deciding, late = _DECIDING_TICKS
    weight[near & (age < first)] *= early
    weight[near & (age >= first) & (age < deciding)] *= late
    after_ticks, after = _AFTER_TICKS
    ended = np.convolve(near, np.ones(after_ticks + 1))[: near.size] > 0
    weight[ended & ~near] *= after
    return weight.astype(np.float32)
