"""How long after the onset of an interruption the bot lowered its voice, and stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup

from interject_lab.scoring.field import MISSED_AFTER_MS
from interject_lab.scoring.figures import CallRow, SoundOutcome
from interject_lab.scoring.suite_scores import interruptions, missed
from interject_lab.suite.charts.figure import (
    FAINT,
    GRID,
    LABEL_PT,
    MARKERS,
    as_svg,
    new_figure,
    rule_color,
    rule_shape,
    set_title,
)

_SIZE_IN: Final = (5.55, 2.9)
_SHARES: Final = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Latencies:
    """The latencies of one rule, of interruptions that were not missed."""

    rule: str
    ms: tuple[float, ...]
    """Ascending."""

    def at(self, share: float) -> float | None:
        """The quantile, as `suite_scores.pool` takes it; None without a latency."""
        return self.ms[min(int(share * len(self.ms)), len(self.ms) - 1)] if self.ms else None


def duck_ms(sound: SoundOutcome) -> float | None:
    """Onset to the first doubt."""
    return sound.duck_ms


def stop_ms(sound: SoundOutcome) -> float | None:
    """Onset to the stop."""
    return sound.stop_ms


def latencies(
    rule: str, rows: Sequence[CallRow], of: Callable[[SoundOutcome], float | None]
) -> Latencies:
    """Those of the rows of one rule."""
    found = (of(sound) for row in rows for sound in interruptions(row.figures) if not missed(sound))
    return Latencies(rule, tuple(sorted(ms for ms in found if ms is not None)))


def ecdf(title: str, every: Sequence[Latencies], rules: Sequence[str]) -> Markup:
    """The empirical distribution functions of all rules, p50 and p95 marked.

    Args:
        title: what the latencies are.
        every: one for each rule to show.
        rules: all of the report, for their colours.
    """
    figure, axes = new_figure(*_SIZE_IN)
    axes.grid(color=GRID, lw=0.8)
    for each in every:
        if not each.ms:
            continue
        color = rule_color(rules, each.rule)
        steps = np.arange(len(each.ms) + 1) / len(each.ms)
        times = [each.ms[0], *each.ms]
        axes.plot(times, 100 * steps, color=color, lw=1.6, drawstyle="steps-post")
        marker = MARKERS[rule_shape(rules, each.rule)]
        marks = [ms for share in _SHARES if (ms := each.at(share)) is not None]
        axes.plot(marks, [100 * share for share in _SHARES], marker, color=color, ms=6, mew=0)
    for share in _SHARES:
        axes.axhline(100 * share, color=FAINT, lw=0.7, ls=(0, (1, 3)), zorder=1)
        axes.text(
            0.01, 100 * share, f"p{100 * share:.0f}", transform=axes.get_yaxis_transform(),
            ha="left", va="bottom" if share < 0.9 else "top", fontsize=LABEL_PT, color=FAINT,
        )  # fmt: skip
    axes.set_xlim(0, MISSED_AFTER_MS)
    axes.set_ylim(0, 101)
    axes.set_yticks(range(0, 101, 25), [f"{percent} %" for percent in range(0, 101, 25)])
    axes.set_xlabel("ms after the onset")
    set_title(axes, title)
    return as_svg(figure, title)
