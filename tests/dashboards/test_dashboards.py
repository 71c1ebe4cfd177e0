"""Every query of every dashboard returns data on a real Prometheus after real calls."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from real_run import RealRun, real_run

from observability import alerts
from observability.dashboards import DASHBOARDS
from observability.model import Dashboard, fill
from rig.fixtures import program, prometheus

__all__ = ["prometheus"]

ROOT: Final = Path(__file__).resolve().parents[2]
VARIABLES: Final = {
    "cluster": ".*",
    "namespace": ".+",
    "pod": "desk-.+|interject-asterisk-0",
    "agent": "desk",
    "__rate_interval": "8s",
    "__range": "20s",
}
"""Values of dashboard variables; at a scrape interval of 1 s, Grafana uses rates over >= 4 s."""
NEEDS_A_MODEL: Final = ("Tokens per minute",)
"""Panels that are empty for the parcel desk of this run."""
PICTURES: Final = ROOT / "docs" / "pictures"
SERIES: Final = re.compile(r"\b((?:interject|asterisk|process)_[a-z_]+|up)\b")

pytestmark = pytest.mark.chart


@pytest.fixture(scope="module")
def tree() -> Path:
    """The unpacked Asterisk."""
    return program("asterisk")


@pytest.fixture
async def run(prometheus: Path, tree: Path, tmp_path: Path) -> AsyncIterator[RealRun]:
    rules = tmp_path / "alerts.yaml"
    rules.write_text(alerts.to_yaml())
    async with real_run(prometheus, tree, tmp_path, rules) as run:
        yield run


@pytest.mark.timeout(300)
async def test_every_query_returns_what_happened(run: RealRun, pytestconfig: pytest.Config) -> None:
    pictures = pytestconfig.getoption("--pictures")
    for dashboard in DASHBOARDS:
        returned = await _returned(run, dashboard)
        empty = [query for query, series in returned.items() if not _values(series)]
        empty = [query for query in empty if query[0] not in NEEDS_A_MODEL]
        assert not empty, f"{dashboard.title}: {empty}"
        if pictures:
            _draw(run, dashboard, returned)
    await _judge_alerts(run)
    await _judge_exemplars(run)


def _draw(run: RealRun, dashboard: Dashboard, returned: dict[tuple[str, str], Any]) -> None:
    from observability.plots import draw  # matplotlib takes its time to load, and is rarely needed

    draw(dashboard, returned, run.began_s, run.ended_s, PICTURES / f"{dashboard.uid}.png")


async def _returned(
    run: RealRun, dashboard: Dashboard
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Series by panel and legend."""
    return {
        (panel.title, query.legend): await run.series(
            fill(query.expr, VARIABLES), run.began_s, run.ended_s
        )
        for panel in dashboard.panels
        for query in panel.queries
    }


def _values(series: list[dict[str, Any]]) -> list[float]:
    values = [float(value) for each in series for _, value in each["values"]]
    return [value for value in values if value == value]


async def _judge_alerts(run: RealRun) -> None:
    """Prometheus evaluates each, has every series that it is made of, and none fires."""
    groups = (await run.ask("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {alert.name for alert in alerts.ALERTS}
    assert [rule["lastError"] for rule in rules if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []
    for name in sorted({name for alert in alerts.ALERTS for name in SERIES.findall(alert.expr)}):
        assert await run.series(name, run.began_s, run.ended_s), name


async def _judge_exemplars(run: RealRun) -> None:
    """Buckets of latencies have exemplars with trace IDs."""
    for name in ("interject_barge_in_stop_seconds", "interject_provider_first_chunk_seconds"):
        found = await run.ask(
            "query_exemplars",
            query=f"{name}_bucket",
            start=str(run.began_s),
            end=str(run.ended_s),
        )
        ids = {exemplar["labels"]["trace_id"] for each in found for exemplar in each["exemplars"]}
        assert ids and all(re.fullmatch("[0-9a-f]{32}", each) for each in ids), name
