"""Dashboards and alerts as the chart installs them."""

import json
from typing import Any, Final

import pytest

from chart.cases import METRICS_API
from chart.rendering import CHART, objects, one, refused
from observability.alerts import ALERTS
from observability.dashboards import DASHBOARDS

pytestmark = pytest.mark.chart
FILES: Final = CHART / "files" / "dashboards"
RUNBOOKS: Final = "https://docs.example.com/runbooks"


def dashboards(**values: Any) -> list[dict[str, Any]]:
    made = objects({"dashboards": {"enabled": True, **values}})
    return [each for each in made if each["metadata"]["name"].endswith("-dashboard")]


def rules(**values: Any) -> dict[str, dict[str, Any]]:
    made = one(objects({"alerts": {"enabled": True, **values}}), "PrometheusRule")
    return {rule["alert"]: rule for group in made["spec"]["groups"] for rule in group["rules"]}


def test_dashboards_and_alerts_are_off_by_default() -> None:
    found = objects()
    assert not [each for each in found if each["kind"] == "PrometheusRule"]
    assert not [each for each in found if each["metadata"]["name"].endswith("-dashboard")]


def test_the_sidecar_finds_every_dashboard_unchanged() -> None:
    found = dashboards(label="watched", labelValue="yes", namespace="grafana")
    assert len(found) == len(DASHBOARDS)
    for each in found:
        assert each["metadata"]["labels"]["watched"] == "yes"
        assert each["metadata"]["namespace"] == "grafana"
        ((name, text),) = each["data"].items()
        assert json.loads(text) == json.loads((FILES / name).read_text())


def test_alerts_keep_prometheus_s_own_templates() -> None:
    found = rules()
    assert {alert.name for alert in ALERTS} - found.keys() == {"InterjectMetricsApiUnavailable"}
    for alert in ALERTS:
        if alert.name not in found:
            continue
        made = found[alert.name]
        assert (made["expr"], made["for"]) == (alert.expr, alert.pending)
        assert made["annotations"]["summary"] == alert.summary
        assert "runbook_url" not in made["annotations"]


@pytest.mark.parametrize("url", [RUNBOOKS, f"{RUNBOOKS}/"])
def test_runbook_urls_use_the_configured_base(url: str) -> None:
    for name, rule in rules(runbookUrl=url).items():
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}/{name}.md"


def test_the_metrics_api_is_only_watched_if_it_is_enabled() -> None:
    name = "InterjectMetricsApiUnavailable"
    assert name not in rules()
    made = one(objects({"alerts": {"enabled": True}, "metricsApi": METRICS_API}), "PrometheusRule")
    assert name in {rule["alert"] for group in made["spec"]["groups"] for rule in group["rules"]}


def test_an_invalid_value_is_reported() -> None:
    assert "enabeld" in refused({"alerts": {"enabeld": True}})
