"""Figures as inline SVG in the page's colours and font, light and dark.

Matplotlib draws with the colours below; in the SVG each becomes a CSS variable, which the page sets
for both colour schemes. Text stays text: it can be searched, copied and read aloud.
"""

import io
import re
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interject_lab.reports.templates import template

INK, FAINT, GRID, HEAT, EMPTY = "#010101", "#020202", "#030303", "#040404", "#050505"
_RULES: Final = tuple(f"#06060{digit:x}" for digit in range(10))
_VARIABLES: Final = {
    INK: "ink", FAINT: "faint", GRID: "line", HEAT: "heat", EMPTY: "empty",
    **{color: f"rule-{index}" for index, color in enumerate(_RULES)},
}  # fmt: skip
"""By colour: the CSS variable that takes its place. Only their being different matters."""
MARKERS: Final = "osD^vPX<>p"
GLYPHS: Final = "●■◆▲▼✚✖◀▶⬟"
"""The same shapes in text."""
LABEL_PT: Final = 8.5
_WITHIN_HTML: Final = re.compile(r' (id="[a-z0-9.]+_\d+"|xmlns(:xlink)?="[^"]+")')
"""Several figures share a page, where ids of matplotlib's groups would be there twice; HTML knows
the namespaces."""


def rule_index(rules: Sequence[str], rule: str) -> int:
    """Which colour `rule` has: by its place in `rules`, over and over."""
    return rules.index(rule) % len(_RULES)


def rule_shape(rules: Sequence[str], rule: str) -> int:
    """Which of `MARKERS` and `GLYPHS` `rule` has: rules of the same colour differ in it."""
    turn, place = divmod(rules.index(rule), len(_RULES))
    return (place + 3 * turn) % len(MARKERS)


def rule_color(rules: Sequence[str], rule: str) -> str:
    """The colour of `rule`, for matplotlib."""
    return _RULES[rule_index(rules, rule)]


def new_figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """A transparent figure with one plain pair of axes."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=LABEL_PT, length=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(GRID)
    axes.xaxis.label.set(color=FAINT, size=LABEL_PT)
    axes.yaxis.label.set(color=FAINT, size=LABEL_PT)
    return figure, axes


def set_title(axes: Axes, text: str) -> None:
    """Put `text` over the left end of `axes`."""
    axes.set_title(text, fontsize=10, loc="left", color=INK)


def as_svg_file(element: Markup) -> str:
    """An element of `as_svg` as a document of its own, for pages that do not set its colours."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    style = f"<style>\n{template('colors.css.jinja').render()}</style>"
    start, end = element.split(">", 1)
    return f"{head}{start.removeprefix('<svg ')}>\n{style}{end}\n"


def as_svg(figure: Figure, description: str) -> Markup:
    """The figure as an SVG element.

    Args:
        figure: drawn in the colours of this module.
        description: what it shows, for those who cannot see it.
    """
    file = io.StringIO()
    # With a fixed salt the same data gives the same page.
    with rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": description,
            "font.sans-serif": ["DejaVu Sans"],
        }
    ):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _WITHIN_HTML.sub("", svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    label = escape(description)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))  # noqa: S704
