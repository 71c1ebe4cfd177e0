"""The HTML report of a run: the lanes, the audio and the findings of each call."""

from collections.abc import Sequence
from typing import Final

from interject_lab.evaluation.calls.call_run import ScenarioCallResult
from interject_lab.evaluation.run import ScenarioOutcome
from interject_lab.reports.call_report import (
    CallReport,
    ReportedFinding,
    TranscriptLine,
    call_report,
)
from interject_lab.reports.report import render
from interject_lab.scoring.score import score
from interject_lab.scoring.truth import in_bot_stream, true_delay_ms
from media_pod.duplex.contract import TICK_MS

_TITLE: Final = "Scenarios"
_KNOWN: Final = " The recognizer was a stand-in that knows what the caller says."


def as_html(outcomes: Sequence[ScenarioOutcome]) -> str:
    """The page of all calls that came about."""
    passed = sum(outcome.passed for outcome in outcomes)
    scripted = [outcome.scenario.name for outcome in outcomes if outcome.scripted_stt]
    intro = f"{passed} of {len(outcomes)} scenarios passed."
    if scripted:
        intro += f"{_KNOWN} Scenarios: {', '.join(scripted)}."
    calls = [_shown(each, each.call) for each in outcomes if each.call is not None]
    return render(_TITLE, intro, calls, compared="Scenario")


def _shown(outcome: ScenarioOutcome, call: ScenarioCallResult) -> CallReport:
    record, recording = call.record, call.recording
    caller, played = recording.audio("caller"), recording.audio("played")
    trace = recording.trace(true_delay_ms(record, caller, played))
    stops = in_bot_stream(record, played, recording.stop_samples(record.rate_hz))
    transcript = [
        TranscriptLine(row * TICK_MS / 1000, said.speaker, said.heard, said.unheard)
        for said, row in zip(recording.words, recording.word_rows, strict=True)
    ]
    name = outcome.scenario.name
    return call_report(
        f"{name}: {outcome.scenario.description}".rstrip(": "),
        record,
        score(name, record, stops, trace),
        trace,
        stop_samples=stops,
        transcript=transcript,
        findings=tuple(
            ReportedFinding(f"{each.path}: {each.text}", each.passed) for each in outcome.findings
        ),
    )
