"""The results of a run: tables and failures for the terminal, JUnit XML."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from interject_lab.evaluation.conversation import STAGE_NAMES, SeenConversation
from interject_lab.evaluation.run import LATE_TICKS_THAT_SHOW, ScenarioOutcome
from interject_lab.reports.markdown import number
from interject_lab.scoring.score import quantile

_HEADER: Final = (
    "scenario",
    "result",
    "expectations",
    "first audio p50 / p95",
    "words heard, error",
    "duration",
)
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have (section 2.2)."""


def scenario_table(
    outcomes: Sequence[ScenarioOutcome],
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Header and one row for each scenario."""
    return _HEADER, [_row(outcome) for outcome in outcomes]


def _row(outcome: ScenarioOutcome) -> tuple[str, ...]:
    met = len(outcome.findings) - len(outcome.failures)
    times_ms = stage_times_ms(outcome.conversation, STAGE_NAMES.index("first audio"))
    p50, p95 = quantile(times_ms, 0.5), quantile(times_ms, 0.95)
    return (
        outcome.scenario.name,
        "passed" if outcome.passed else "FAILED",
        f"{met} of {len(outcome.findings)}",
        f"{number(p50)} / {number(p95)} ms" if times_ms else "-",
        _words_error(outcome.conversation),
        f"{outcome.duration_s:.0f} s",
    )


def _words_error(seen: SeenConversation | None) -> str:
    """The largest error of a turn that was cut; of the others all was heard."""
    errors = [
        turn.words_error
        for turn in (seen.bot if seen is not None else ())
        if turn.cut and turn.words_error is not None
    ]
    return str(max(errors)) if errors else "-"


def stage_table(
    outcomes: Sequence[ScenarioOutcome],
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """How long after the caller's turn the parts of an answer came, over all scenarios."""
    rows = []
    for index, name in enumerate(STAGE_NAMES):
        times_ms = [t for each in outcomes for t in stage_times_ms(each.conversation, index)]
        if times_ms:
            figures = (number(quantile(times_ms, at)) for at in (0.5, 0.95))
            rows.append((name, *(f"{each} ms" for each in figures), str(len(times_ms))))
    return ("after the caller's turn", "p50", "p95", "answers"), rows


def stage_times_ms(seen: SeenConversation | None, stage: int) -> list[float]:
    """The times of one stage, counted as in `AnswerStages`, in ms."""
    turns = seen.bot if seen is not None else ()
    times_ms = [tuple(turn.stages)[stage] for turn in turns]
    return [each for each in times_ms if each is not None]


def busy_line(outcomes: Sequence[ScenarioOutcome]) -> str:
    """A warning if the machine had no time for a call; "" if all is well."""
    late = max((each.call.late_ticks for each in outcomes if each.call is not None), default=0)
    if late <= LATE_TICKS_THAT_SHOW:
        return ""
    return (
        f"note: this machine was too busy: a pod missed {late} ticks of 20 ms, so times are not "
        "reliable; run with fewer --jobs"
    )


def failure_lines(outcomes: Sequence[ScenarioOutcome]) -> list[str]:
    """One line for each expectation that was not met."""
    return [
        f"{outcome.scenario.name}: {failure.path}: {failure.text}"
        for outcome in outcomes
        for failure in outcome.failures
    ]


def as_junit(outcomes: Sequence[ScenarioOutcome]) -> str:
    """The results as JUnit XML, as CI servers read it: a test case for each scenario."""
    suite = ET.Element(
        "testsuite",
        name="interject eval",
        tests=str(len(outcomes)),
        failures=str(sum(not outcome.passed for outcome in outcomes)),
        errors="0",
        time=f"{sum(outcome.duration_s for outcome in outcomes):.3f}",
    )
    for outcome in outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=outcome.agent,
            name=outcome.scenario.name,
            time=f"{outcome.duration_s:.3f}",
        )
        if not outcome.passed:
            count = f"{len(outcome.failures)} of {len(outcome.findings)} expectations not met"
            failure = ET.SubElement(case, "failure", message=count)
            failure.text = _in_xml("\n".join(failure_lines([outcome])))
        said = ET.SubElement(case, "system-out")
        said.text = _in_xml("\n".join(transcript_lines(outcome.conversation)))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def transcript_lines(seen: SeenConversation | None) -> list[str]:
    """The conversation as text, step by step."""
    if seen is None:
        return []
    steps = sorted({turn.step for turn in seen.caller} | {turn.step for turn in seen.bot})
    lines = []
    for step in steps:
        for said in seen.caller:
            if said.step == step:
                keys = f" [keyed: {said.digits}]" if said.digits else ""
                lines.append(f"caller: {said.text}{keys}")
        for turn in seen.answers(step):
            lines += [f"tool: {use.name}({use.arguments}) -> {use.result}" for use in turn.tools]
            rest = f" [not heard: {turn.unheard}]" if turn.unheard else ""
            lines.append(f"bot: {turn.heard}{rest}")
    return lines


def _in_xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
