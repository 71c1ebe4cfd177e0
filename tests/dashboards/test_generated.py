"""Generated files are up to date, and dashboards are consistent."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from observability.dashboards import DASHBOARDS
from observability.generated import CHART_FILES, files
from observability.grafana import to_json
from observability.model import Dashboard, PanelKind, fill

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "docs" / "pictures"
MOST_PICTURE_BYTES: Final = 150_000
VARIABLE: Final = re.compile(r"\$(\w+)")
METRIC: Final = re.compile(r"\b(?:interject|asterisk|process)_\w+(?:{[^}]*})?")
ON: Final = re.compile(r"\bon \(([^)]*)\)")
BUILT_IN: Final = {"__rate_interval", "__range"}

pytestmark = pytest.mark.chart
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)


def panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    made = json.loads(to_json(dashboard))["panels"]
    return [panel for panel in made if panel["type"] != "row"]


def test_generated_files_are_up_to_date() -> None:
    made = files(ROOT)
    assert [path for path, text in made.items() if path.read_text() != text] == []
    there = set((ROOT / CHART_FILES / "dashboards").glob("*.json"))
    assert there == {path for path in made if path.suffix == ".json"}


@each_dashboard
def test_every_panel_has_title_description_and_unit(dashboard: Dashboard) -> None:
    for panel in panels(dashboard):
        assert panel["title"] and panel["description"]
        unit = panel["fieldConfig"]["defaults"].get("unit") or panel["options"].get("yAxis")
        assert unit or panel["options"]["textMode"] == "name", panel["title"]


@each_dashboard
def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    made = json.loads(to_json(dashboard))["panels"]
    assert len({panel["id"] for panel in made}) == len(made)
    taken: set[tuple[int, int]] = set()
    for at in (panel["gridPos"] for panel in made):
        area = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])}  # fmt: skip
        assert at["x"] + at["w"] <= 24 and not area & taken
        taken |= area


@each_dashboard
def test_queries_use_the_variables_that_the_dashboard_has(dashboard: Dashboard) -> None:
    known = {variable.name for variable in dashboard.variables}
    used = {
        name
        for panel in dashboard.panels
        for query in panel.queries
        for name in VARIABLE.findall(query.expr)
    }
    assert used <= known | BUILT_IN
    made = json.loads(to_json(dashboard))["templating"]["list"]
    assert [variable["name"] for variable in made] == [
        "datasource", *(variable.name for variable in dashboard.variables)
    ]  # fmt: skip


@each_dashboard
def test_every_query_is_limited_to_the_selected_clusters(dashboard: Dashboard) -> None:
    """A Prometheus of several clusters has series that differ in the label `cluster` alone."""
    assert dashboard.variables[0].name == "cluster"
    for panel in dashboard.panels:
        for query in panel.queries:
            joins = ON.findall(query.expr)
            assert all("cluster" in labels for labels in joins), panel.title
            for selector in METRIC.findall(query.expr):
                selected = 'cluster=~"$cluster"' in selector
                assert selected or joins, (panel.title, selector)
    (variable, *_) = [
        each
        for each in json.loads(to_json(dashboard))["templating"]["list"]
        if each["name"] == "cluster"
    ]
    # Where no series has this label, every series has to match.
    assert variable["allValue"] == ".*"


@each_dashboard
def test_legends_of_a_panel_are_unique(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        legends = [query.legend for query in panel.queries]
        assert len(set(legends)) == len(legends), panel.title
        if panel.kind in (PanelKind.LINES, PanelKind.STACK):
            assert all(legends), panel.title


@each_dashboard
def test_latencies_of_calls_link_to_traces(dashboard: Dashboard) -> None:
    traced = ("interject_barge_in_stop_seconds", "interject_provider_first_chunk_seconds")
    for panel in dashboard.panels:
        for query in panel.queries:
            assert query.exemplars == any(name in query.expr for name in traced), panel.title


@each_dashboard
def test_the_picture_is_small(dashboard: Dashboard) -> None:
    assert 0 < (PICTURES / f"{dashboard.uid}.png").stat().st_size < MOST_PICTURE_BYTES


def test_the_longest_variable_is_replaced_first() -> None:
    assert fill("$pod $pods", {"pod": "a", "pods": "b"}) == "a b"
