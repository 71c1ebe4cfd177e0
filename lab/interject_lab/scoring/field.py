"""Measures a call of a suite against the truth of its mix.

Times are those of the pod: a sound begins when the frame with its first 10 ms within 18 dB of its
level has arrived, and a decision falls at the end of its tick. The bot fades out in the 10 ms after
that.

- A *stop* is a rise of the decision to CALLER while the bot speaks. It belongs to the sound that
  sounds at that moment, or ended at most 300 ms ago; without one it is *false*.
- An *interruption* counts if it lasts at least 600 ms and the bot has 800 ms to say after its
  onset, or was stopped. It is *missed* without a stop within 800 ms.
- A *backchannel* or a *noise* counts if the bot has 300 ms to say after its end, or was stopped.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import NOTHING, Sound
from interject_lab.network.levels import BOT_PAUSE_MS, without_gaps
from interject_lab.scoring.echo_figures import echo_figures
from interject_lab.scoring.figures import CallFigures, FalseStop, SoundOutcome, rounded
from interject_lab.scoring.outcome import has_sound
from interject_lab.virtual import VirtualResult
from media_pod.duplex.contract import LOCKED, TICK_MS, Decision, Reason

GRACE_MS: Final = 300.0
MISSED_AFTER_MS: Final = 800.0
LEAST_MS: Final = 600.0
"""Shorter talk is no interruption that must be heard."""

Flags = NDArray[np.bool_]


def measure(
    result: VirtualResult,
    sounds: Sequence[Sound],
    near_delay_ms: float,
    steps_s: Sequence[float] = (),
) -> CallFigures:
    """The figures of one call.

    Args:
        result: of the run.
        sounds: what was planned, in the order of the plan.
        near_delay_ms: of the caller's own sound on the line (`TelephoneLine.near_delay_samples`).
        steps_s: when the delay of the line steps, in order.
    """
    trace = result.trace
    stops = [sample // result.record.tick_samples - 1 for sample in result.stop_samples]
    bot = _bot_speaks(has_sound(trace.played, result.record.rate_hz), stops)
    timeline = _Timeline(result, near_delay_ms)
    spoken = [each for each in result.record.spoken if each.plan_index is not None]
    spans = [(timeline.arrival_ms(each.onset_sample), timeline.arrival_ms(each.end_sample))
             for each in spoken]  # fmt: skip
    near = np.zeros(bot.size, np.bool_)
    for start_ms, end_ms in spans:
        near[int(start_ms // TICK_MS) : int((end_ms + GRACE_MS) // TICK_MS) + 1] = True
    owners = [_owner(stop, spans) for stop in stops]
    owned: list[list[int]] = [[] for _ in spans]
    for stop, owner in zip(stops, owners, strict=True):
        if owner is not None:
            owned[owner].append(stop)
    decided = trace.decision
    alone = bot & ~near
    ducks = _rises(decided >= Decision.ONSET)
    starts = _rises(bot)
    return CallFigures(
        bot_speech_s=_seconds(bot),
        bot_alone_s=_seconds(alone),
        utterances=int(starts.sum()),
        caller_at_start=int((starts & (decided == Decision.CALLER)).sum()),
        false_stops=tuple(
            _false_stop(result, bot, stop)
            for stop, owner in zip(stops, owners, strict=True)
            if owner is None
        ),
        false_ducks=int((ducks & alone).sum()),
        sounds=tuple(
            _outcome(result, bot, sounds[each.plan_index or 0], span, mine)
            for each, span, mine in zip(spoken, spans, owned, strict=True)
        ),
        **echo_figures(result, bot, near, timeline.near_at_pod(), near_delay_ms, steps_s),
    )


def _bot_speaks(sound: Flags, stops: Sequence[int]) -> Flags:
    """[ticks] whether the bot speaks: the gaps between its words included, also one in which it was
    stopped, so that no word followed."""
    said = sound.copy()
    said[list(stops)] = True
    return without_gaps(said, BOT_PAUSE_MS // TICK_MS)


class _Timeline:
    """Where the caller's own sound lies in what the pod receives."""

    def __init__(self, result: VirtualResult, near_delay_ms: float) -> None:
        self._record = result.record
        ticks = result.trace.decision.size
        carried = result.trace.near_tick
        self._carried = np.arange(ticks) if carried is None else carried
        self._delay_ms = near_delay_ms

    def arrival_ms(self, sample: int) -> float:
        """When the caller's `sample` arrives, in ms; that of the next one if it was lost."""
        tick, within = divmod(sample, self._record.tick_samples)
        latest = np.maximum.accumulate(self._carried)
        at = int(np.searchsorted(latest, tick))
        return at * TICK_MS + within * 1000 / self._record.rate_hz + self._delay_ms

    def near_at_pod(self) -> NDArray[np.int64]:
        """[ticks] the caller's tick that each tick carries, or `NOTHING`."""
        return np.where(self._carried >= 0, self._carried, NOTHING).astype(np.int64)


def _owner(stop: int, spans: Sequence[tuple[float, float]]) -> int | None:
    """The latest sound that a stop in tick `stop` can belong to."""
    at_ms = (stop + 1) * TICK_MS
    found = [index for index, (start, end) in enumerate(spans) if start <= at_ms <= end + GRACE_MS]
    return found[-1] if found else None


def _outcome(
    result: VirtualResult,
    bot: Flags,
    sound: Sound,
    span: tuple[float, float],
    stops: Sequence[int],
) -> SoundOutcome:
    start_ms, end_ms = span
    start = int(start_ms // TICK_MS)
    doubt = np.flatnonzero(result.trace.decision[start:] >= Decision.ONSET)
    duck_ms = (start + int(doubt[0]) + 1) * TICK_MS - start_ms if doubt.size else None
    if duck_ms is not None and start_ms + duck_ms > end_ms + GRACE_MS:
        duck_ms = None
    stop_ms = (stops[0] + 1) * TICK_MS - start_ms if stops else None
    needed_ms = start_ms + MISSED_AFTER_MS
    long_enough = end_ms - start_ms >= LEAST_MS
    if sound.kind != "interruption":
        needed_ms, long_enough = end_ms + GRACE_MS, True
    last = int(needed_ms // TICK_MS)
    spoke_on = last < bot.size and bool(bot[start : last + 1].all())
    return SoundOutcome(
        kind=sound.kind,
        what=sound.what,
        at_s=round(start_ms / 1000, 3),
        seconds=round((end_ms - start_ms) / 1000, 3),
        level_dbfs=sound.level_dbfs,
        in_the_field=sound.in_the_field,
        counts=start < bot.size and bool(bot[start]) and long_enough and (spoke_on or bool(stops)),
        duck_ms=rounded(duck_ms, 1),
        stop_ms=rounded(stop_ms, 1),
        why=result.trace.why.get(stops[0], ()) if stops else (),
    )


def _false_stop(result: VirtualResult, bot: Flags, stop: int) -> FalseStop:
    trace = result.trace
    began = stop - int(np.argmin(bot[stop::-1])) + 1 if not bot[: stop + 1].all() else 0
    delay_ms = float(trace.delay_ms[stop])
    return FalseStop(
        at_s=round((stop + 1) * TICK_MS / 1000, 2),
        bot_spoke_s=round((stop + 1 - began) * TICK_MS / 1000, 2),
        reason=Reason(int(trace.reason[stop])).name.lower(),
        delay_ms=round(delay_ms, 1) if np.isfinite(delay_ms) else None,
        locked=bool(trace.delay_confidence[stop] >= LOCKED),
        why=trace.why.get(stop, ()),
    )


def _rises(on: Flags) -> Flags:
    rises: Flags = on & ~np.concatenate([[False], on[:-1]])
    return rises


def _seconds(ticks: Flags) -> float:
    return round(float(ticks.sum()) * TICK_MS / 1000, 2)
