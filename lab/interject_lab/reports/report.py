"""The report: one HTML page with embedded audio and pictures.

Audio is 8-bit mu-law WAV, half the size of linear PCM; the line was mu-law or A-law anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from interject_lab.audio_files import mu_law_wav
from interject_lab.reports import timeline
from interject_lab.reports.call_report import CallReport
from interject_lab.reports.templates import as_base64, template
from interject_lab.scoring.score import CallScore


@dataclass(frozen=True, slots=True)
class _Card:
    """One call for the template."""

    call: CallReport
    words: str
    audio: str
    picture: str


def render(
    title: str, intro: str, calls: Sequence[CallReport], compared: str = "Listening mode"
) -> str:
    """The page for `calls`, side by side in a table, then one after the other.

    Args:
        title: the headline.
        intro: what the calls have in common, in a sentence or two.
        calls: as many as are to be compared.
        compared: what differs between them, the headline of the table's first column.
    """
    cards = [
        _Card(
            call=call,
            words=in_words(call.score),
            audio=as_base64(mu_law_wav(call.trace.caller, call.trace.played, call.rate_hz)),
            picture=as_base64(timeline.draw(call)),
        )
        for call in calls
    ]
    return template("report.html.jinja").render(
        title=title,
        intro=intro,
        compared=compared,
        cards=cards,
        reasons=[timeline.REASONS[reason] for reason in timeline.REASONS if reason],
        axis={"left": timeline.LEFT, "right": timeline.RIGHT},
    )


def in_words(score: CallScore) -> str:
    """The score as a sentence."""
    if score.false_barge_ins == 0:
        false = "Never stopped for its own echo"
    else:
        false = f"Stopped {_times(score.false_barge_ins)} although the caller was silent"
    if score.interruptions == 0:
        return f"{false}; the caller had no chance to interrupt."
    if score.heard == 0:
        return f"{false}, but talked on through {_all(score.interruptions)}."
    heard = (
        f"heard {_all(score.interruptions)}"
        if score.missed == 0
        else f"heard {score.heard} of {score.interruptions} interruptions"
    )
    silent = f"{score.onset_to_silence_p50_ms:.0f} ms after the caller's first sound"
    return f"{false}, {heard}, and was silent {silent} (median)."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _all(count: int) -> str:
    return {1: "the interruption", 2: "both interruptions"}.get(count, f"all {count} interruptions")
