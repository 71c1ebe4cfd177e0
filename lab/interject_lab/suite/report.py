"""The report of a bench: one HTML page, with everything in it, that fetches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from interject_lab.audio_files import mu_law_wav
from interject_lab.errors import writing
from interject_lab.reports import timeline
from interject_lab.reports.templates import as_base64, template
from interject_lab.scoring.figures import CallRow
from interject_lab.scoring.suite_scores import SuiteScores
from interject_lab.suite.breakdowns import breakdowns
from interject_lab.suite.charts import heat_maps
from interject_lab.suite.charts.bars import bar_chart
from interject_lab.suite.charts.figure import GLYPHS, rule_index, rule_shape
from interject_lab.suite.charts.latencies import Latencies, duck_ms, ecdf, latencies, stop_ms
from interject_lab.suite.charts.plane import (
    PerHourAxis,
    operating_plane,
    plane_of_its_own,
    top_percent,
)
from interject_lab.suite.headline import COLUMNS, headline
from interject_lab.suite.plan import BenchPlan
from interject_lab.suite.worst_calls import Excerpt, worst_calls
from interject_lab.virtual import VirtualResult

PRODUCT_RULE: Final = "interject"
_PICTURE_DPI: Final = 100


@dataclass(frozen=True, slots=True)
class _Card:
    """One excerpt for the template."""

    excerpt: Excerpt
    audio: str
    picture: str


@dataclass(frozen=True, slots=True)
class _HeatMaps:
    """One measure, all rules."""

    name: str
    charts: list[Markup]


def write_report(
    plan: BenchPlan,
    rows: Sequence[CallRow],
    scores: Sequence[SuiteScores],
    worst: int,
    path: Path,
) -> Path:
    """Write the report of a run, and return its path.

    Args:
        plan: what was run.
        rows: of all calls.
        scores: by suite and rule, the rules of a suite one after the other.
        worst: how many of the worst calls are run again, to be shown with their audio.
        path: of the page.

    Raises:
        SetupError: the page cannot be written.
    """

    def again(row: CallRow) -> VirtualResult:
        # Only the worst calls need the material: a page of rows alone is made without it.
        from interject_lab.suite.run import draw_again

        return draw_again(plan, row)[1]

    rule = _shown_rule(scores)
    excerpts = worst_calls([row for row in rows if row.rule == rule], worst, again)
    with writing(path, "--out"):
        path.write_text(page(plan, rows, scores, excerpts), encoding="utf-8")
    return path


def page(
    plan: BenchPlan,
    rows: Sequence[CallRow],
    scores: Sequence[SuiteScores],
    excerpts: Sequence[Excerpt],
) -> str:
    """The page; `excerpts` are of the product's rule, or of the first without it."""
    rules = list(dict.fromkeys(each.rule for each in scores))
    return template("bench.html.jinja").render(
        plan=plan,
        facts=_facts(scores, rules),
        legend=[(rule, rule_index(rules, rule), GLYPHS[rule_shape(rules, rule)]) for rule in rules],
        columns=COLUMNS,
        headline=headline(scores),
        planes=_planes(scores, rules),
        heat_maps=[
            _heat_maps(rows, rules, measure)
            for measure in (heat_maps.FALSE_PER_HOUR, heat_maps.MISSED_PERCENT)
        ],
        **_latencies(rows, rules),
        bars=[bar_chart(each, rules) for each in breakdowns(rows, rules)],
        shown_rule=_shown_rule(scores),
        cards=list(map(_card, excerpts)),
        shades=_SHADES,
        reasons=[words for reason, words in timeline.REASONS.items() if reason],
        axis={"left": timeline.LEFT, "right": timeline.RIGHT},
    )


def write_planes(scores: Sequence[SuiteScores], document: Path) -> list[str]:
    """Draw the operating plane of each suite with several rules beside a document in Markdown.

    Returns:
        The pictures as Markdown.

    Raises:
        SetupError: a picture cannot be written.
    """
    pictures = []
    for suite, group in groupby(scores, lambda each: each.suite):
        every = list(group)
        if len(every) > 1:
            picture = document.with_name(f"{document.stem}-{suite}.svg")
            with writing(picture, "--write"):
                picture.write_text(plane_of_its_own(every), encoding="utf-8")
            title = f"{suite}: false stops per hour against missed interruptions"
            pictures.append(f"![{title}]({picture.name})")
    return pictures


_SHADES: Final = (
    ("interruption or answer", timeline.TALK_SHADE),
    ("backchannel", timeline.SHORT_SHADE),
    ("noise or DTMF digit", timeline.NOISE_SHADE),
    ("second speaker", timeline.OTHER_SHADE),
)


def _shown_rule(scores: Sequence[SuiteScores]) -> str:
    """Whose worst calls are shown."""
    rules = [each.rule for each in scores]
    return PRODUCT_RULE if PRODUCT_RULE in rules else rules[0]


def _facts(scores: Sequence[SuiteScores], rules: Sequence[str]) -> dict[str, Any]:
    return {
        "suites": len({each.suite for each in scores}),
        "rules": len(rules),
        "calls": sum(each.calls for each in scores),
        "bot_speech_h": sum(each.bot_speech_h for each in scores),
        "interruptions": sum(each.interruptions for each in scores),
    }


def _planes(scores: Sequence[SuiteScores], rules: Sequence[str]) -> list[Markup]:
    axis, top = PerHourAxis(scores), top_percent(scores)
    return [
        operating_plane(list(group), rules, axis, top)
        for _, group in groupby(scores, lambda each: each.suite)
    ]


def _heat_maps(
    rows: Sequence[CallRow], rules: Sequence[str], measure: heat_maps.Measure
) -> _HeatMaps:
    cells = {
        rule: heat_maps.sums([row for row in rows if row.rule == rule], measure) for rule in rules
    }
    top = heat_maps.highest(list(cells.values()), measure)
    charts = [heat_maps.heat_map(rule, cells[rule], measure, top) for rule in rules]
    return _HeatMaps(measure.name, charts)


def _latencies(rows: Sequence[CallRow], rules: Sequence[str]) -> dict[str, Any]:
    of_rule = {rule: [row for row in rows if row.rule == rule] for rule in rules}
    duck = [latencies(rule, of_rule[rule], duck_ms) for rule in rules]
    stop = [latencies(rule, of_rule[rule], stop_ms) for rule in rules]
    return {
        "ecdfs": [
            ecdf("Onset to duck", duck, rules),
            ecdf("Onset to stop", stop, rules),
        ],
        "quantiles": [
            (each.rule, _quantiles(each), _quantiles(other))
            for each, other in zip(duck, stop, strict=True)
        ],
    }


def _quantiles(each: Latencies) -> tuple[int, float | None, float | None]:
    return len(each.ms), each.at(0.5), each.at(0.95)


def _card(excerpt: Excerpt) -> _Card:
    shown = excerpt.timeline
    return _Card(
        excerpt=excerpt,
        audio=as_base64(mu_law_wav(shown.trace.caller, shown.trace.played, shown.rate_hz)),
        picture=as_base64(timeline.draw(shown, _PICTURE_DPI)),
    )
