"""Figures of delay tracking and echo cancellation in one call of a suite."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import NOTHING
from interject_lab.scoring.figures import rounded
from interject_lab.scoring.score import (
    delay_errors_ms,
    erle_db,
    half_second_blocks,
    quantile,
)
from interject_lab.virtual import VirtualResult
from media_pod.duplex.contract import LOCKED, TICK_MS

_RIGHT_MS: Final = 10.0
"""A tracked delay within this of the true one is right: the canceller's filter covers it."""
_STEP_MS: Final = 15.0

Flags = NDArray[np.bool_]


class EchoFigures(TypedDict):
    """See `figures.CallFigures`."""

    locked_share: float | None
    delay_error_p95_ms: float | None
    relock_ms: tuple[float | None, ...]
    erle_db: float | None
    near_loss_db: float | None


def echo_figures(
    result: VirtualResult,
    bot: Flags,
    near: Flags,
    carried: NDArray[np.int64],
    near_delay_ms: float,
    steps_s: Sequence[float],
) -> EchoFigures:
    """The figures of one call.

    Args:
        result: of the run.
        bot: [ticks] whether the bot speaks.
        near: [ticks] whether something else sounds.
        carried: [ticks] the caller's tick that each tick carries, or `NOTHING`.
        near_delay_ms: of the caller's own sound on the line.
        steps_s: when the delay of the line steps, in order. The slips of lost frames are no steps.
    """
    trace = result.trace
    echo = _echo_ticks(trace.true_delay_ms, bot)
    wrong_ms = np.abs(trace.delay_ms - trace.true_delay_ms)
    right = (trace.delay_confidence >= LOCKED) & (np.nan_to_num(wrong_ms, nan=1e3) <= _RIGHT_MS)
    known = bool(np.isfinite(trace.delay_ms).any())
    return EchoFigures(
        locked_share=round(float(right[echo].mean()), 4) if echo.any() else None,
        delay_error_p95_ms=rounded(quantile(delay_errors_ms(trace, bot), 0.95), 2),
        relock_ms=_relocks_ms(_step_ticks(trace.true_delay_ms, steps_s), right, echo)
        if known
        else (),
        erle_db=rounded(erle_db(trace, echo & bot & ~near, result.record.tick_samples), 2),
        near_loss_db=_near_loss_db(result, echo & bot & near, carried, near_delay_ms),
    )


def _echo_ticks(delay_ms: NDArray[np.float32], bot: Flags) -> Flags:
    """[ticks] whether what arrives in a tick holds an echo."""
    source = np.arange(bot.size) - np.rint(delay_ms / TICK_MS).astype(np.int64)
    echo: Flags = (source >= 0) & bot[np.clip(source, 0, bot.size - 1)]
    return echo


def _step_ticks(delay_ms: NDArray[np.float32], steps_s: Sequence[float]) -> list[int]:
    """The ticks in which the steps arrive: a line delays them, too."""
    jumps = np.flatnonzero(np.abs(np.diff(delay_ms)) > _STEP_MS) + 1
    after = np.searchsorted(jumps, np.array(steps_s) * 1000 / TICK_MS)
    return [int(tick) for tick in np.unique(jumps[after[after < jumps.size]])]


def _relocks_ms(steps: Sequence[int], right: Flags, echo: Flags) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for begin, end in pairwise([*steps, right.size]):
        hit = np.flatnonzero(right[begin:end])
        waited = float(echo[begin : begin + hit[0]].sum()) * TICK_MS if hit.size else None
        if waited is not None or echo[begin:end].sum() * TICK_MS >= 1000:
            found.append(waited)
    return tuple(found)


def _near_loss_db(
    result: VirtualResult, double_talk: Flags, carried: NDArray[np.int64], near_delay_ms: float
) -> float | None:
    """The caller's own sound in the output by least squares, over half seconds of double talk."""
    tick = result.record.tick_samples
    late = np.zeros(round(near_delay_ms * result.record.rate_hz / 1000), np.int16)
    sent = np.concatenate([late, result.near])
    rows = np.flatnonzero(double_talk & (carried != NOTHING))
    losses = []
    for block in half_second_blocks(rows):
        near = np.concatenate([sent[carried[at] * tick :][:tick] for at in block])
        cleaned = np.concatenate([result.trace.cleaned[at * tick :][:tick] for at in block])
        loss_db = _loss_db(near.astype(np.float64), cleaned.astype(np.float64), tick)
        if loss_db is not None:
            losses.append(loss_db)
    return round(float(np.median(losses)), 2) if losses else None


def _loss_db(near: NDArray[np.float64], cleaned: NDArray[np.float64], latest: int) -> float | None:
    """How much weaker `near` is in `cleaned`, which is less than `latest` samples late."""
    energy = float(near @ near)
    if energy < near.size * 100.0:
        return None
    size = 1 << (2 * near.size - 1).bit_length()
    cross = np.fft.irfft(np.fft.rfft(cleaned, size) * np.fft.rfft(near, size).conj(), size)
    share = float(np.abs(cross[:latest]).max()) / energy
    return float(-20 * np.log10(max(share, 1e-3)))
