"""Converts a dashboard to Grafana's JSON, with the Grafana Foundation SDK."""

import json
from itertools import count
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from observability.model import Dashboard, Panel, PanelKind, Query, Unit, Variable

HEIGHTS: Final = {PanelKind.STAT: 4, PanelKind.HEATMAP: 8, PanelKind.LINES: 8, PanelKind.STACK: 8}
"""Grid rows of about 30 pixels."""
SOURCE: Final = models.DataSourceRef("prometheus", "${datasource}")
TAG: Final = "interject"
_NO_THRESHOLDS: Final = ((0.0, "blue"),)

AnyPanel = timeseries.Panel | heatmap.Panel | stat.Panel


def to_json(made: Dashboard) -> str:
    """The dashboard as JSON text."""
    document = build(made).build()
    return json.dumps(document, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def build(made: Dashboard) -> dashboard.Dashboard:
    """The dashboard as an SDK builder."""
    built = (
        dashboard.Dashboard(made.title)
        .uid(made.uid)
        .description(made.purpose)
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .link(
            dashboard.DashboardLink("Interject")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )  # fmt: skip
    for variable in made.variables:
        built.with_variable(_variable(variable))
    numbers = count(1)
    for row in made.rows:
        built.with_row(dashboard.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            built.with_panel(_panel(panel).id(next(numbers)))
    return built


def _variable(variable: Variable) -> dashboard.QueryVariable:
    built = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(SOURCE)
        .query(f"label_values({variable.series}, {variable.name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(variable.multi)
        .include_all(variable.multi)
    )
    if variable.multi:
        # A regular expression, not a list of values: it also matches series that appear later.
        everything = models.VariableOption(selected=True, text="All", value="$__all")
        built.all_value(variable.all_value).current(everything)
    return built


def _panel(panel: Panel) -> AnyPanel:
    match panel.kind:
        case PanelKind.STAT:
            built: AnyPanel = _stat(panel)
        case PanelKind.HEATMAP:
            built = _heatmap(panel)
        case PanelKind.LINES | PanelKind.STACK:
            built = _lines(panel)
    built.title(panel.title).description(panel.question).datasource(SOURCE)
    built.span(panel.width).height(HEIGHTS[panel.kind])
    for index, query in enumerate(panel.queries):
        built.with_target(_query(query, panel.kind).ref_id(chr(ord("A") + index)))
    return built


def _query(query: Query, kind: PanelKind) -> prometheus.Dataquery:
    built = prometheus.Dataquery().datasource(SOURCE).expr(query.expr)
    built.legend_format(query.legend or "__auto").exemplar(query.exemplars)
    if kind is PanelKind.STAT:
        return built.instant()
    if kind is PanelKind.HEATMAP:
        return built.range().format(PromQueryFormat.HEATMAP)
    return built.range()


def _stat(panel: Panel) -> stat.Panel:
    built = stat.Panel().graph_mode(common_models.BigValueGraphMode.NONE)
    built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    built.thresholds(_thresholds(panel.thresholds or _NO_THRESHOLDS))
    if panel.unit is Unit.VERSION:
        return built.text_mode(common_models.BigValueTextMode.NAME)
    return built.unit(panel.unit.value)


def _lines(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .unit(panel.unit.value)
        .min(0)
        .line_width(2)
        .fill_opacity(8)
        .show_points(common_models.VisibilityMode.NEVER)
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .legend(
            common.VizLegendOptions()
            .show_legend(any(query.legend for query in panel.queries))
            .display_mode(common_models.LegendDisplayMode.TABLE)
            .placement(common_models.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
        )
    )
    if panel.kind is PanelKind.STACK:
        stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL)
        built.stacking(stacking).fill_opacity(30).line_width(1)
    if panel.axis_max is not None:
        built.max(panel.axis_max)
    if panel.thresholds:
        dashed = common.GraphThresholdsStyleConfig()
        built.thresholds(_thresholds(panel.thresholds))
        built.thresholds_style(dashed.mode(common_models.GraphTresholdsStyleMode.DASHED))
    return built


def _heatmap(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)
        .cell_gap(1)
        .show_tooltip()
        .y_axis(heatmap.YAxisConfig().unit(panel.unit.value))
        .exemplars_color("rgba(255,0,255,0.7)")
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .steps(64)
        )
    )


def _thresholds(thresholds: tuple[tuple[float, str], ...]) -> dashboard.ThresholdsConfig:
    (_, below), *above = thresholds
    steps = [models.Threshold(None, below), *(models.Threshold(at, colour) for at, colour in above)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
