"""The sweep as a table for people."""

from collections.abc import Sequence
from typing import Final

from interject_lab.reports.markdown import number, table
from interject_lab.scoring.findings import Figures
from interject_lab.sweep.sweep import Swept

SECTION: Final = "interject lab sweep"

_HEADERS: Final = ("false", "heard / missed", "stop", "delay", "ERLE")


def as_markdown(swept: Sequence[Swept]) -> str:
    """One row per kind of line, the columns of each arrangement side by side.

    Columns in which an arrangement has nothing to show are left out: one that does not look for
    the delay has no error, one that does not cancel has no ERLE.
    """
    header = ["line"]
    for one in swept:
        header += [f"{one.name}: {_HEADERS[0]}", *_shown(one, _HEADERS)[1:]]
    rows = [
        [str(rows[0].condition), *_cells(swept, [row.figures for row in rows])]
        for rows in zip(*(one.rows for one in swept), strict=True)
    ]
    rows.append(["**all**", *_cells(swept, [one.all for one in swept])])
    return table(header, rows)


def notes(swept: Sequence[Swept]) -> str:
    """What the columns mean, and how much speech they rest on."""
    speech = ", ".join(f"{one.name} {one.all.bot_speech_s / 60:.0f} min" for one in swept)
    return (
        "False: barge-ins per hour of bot speech while no caller spoke, their number in brackets. "
        "Heard / missed: interruptions. Stop: from the caller's onset to the bot's silence, p50 / "
        "p95 in ms. Delay: error of the delay found, p95 in ms while locked. ERLE in dB. "
        f"Bot speech in all calls: {speech}."
    )


def _cells(swept: Sequence[Swept], figures: Sequence[Figures]) -> list[str]:
    cells: list[str] = []
    for one, found in zip(swept, figures, strict=True):
        cells += _shown(one, _figures(found))
    return cells


def _figures(found: Figures) -> tuple[str, ...]:
    p50_ms, p95_ms = found.onset_to_silence_p50_ms, found.onset_to_silence_p95_ms
    return (
        f"{number(found.false_barge_ins_per_hour)} ({found.false_barge_ins})",
        f"{found.heard} / {found.missed}",
        "-" if p50_ms is None else f"{number(p50_ms)} / {number(p95_ms)}",
        number(found.delay_error_p95_ms, 1),
        number(found.erle_db, 1),
    )


def _shown(one: Swept, cells: Sequence[str]) -> list[str]:
    hidden = (one.all.delay_error_p95_ms is None, not one.all.erle_db)
    return [*cells[:3], *(cell for cell, hide in zip(cells[3:], hidden, strict=True) if not hide)]
