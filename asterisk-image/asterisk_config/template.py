"""Dialplan texts with {{holes}}: what is filled in has been checked by the models.

A hole that gets no text, and a text that finds no hole, are mistakes of this package, so both
raise. A hole alone on its line takes several lines, or none: then the line goes, too.
"""

import re
from functools import cache
from importlib.resources import files

_HOLE = re.compile(r"^\{\{(?P<line>[a-z_]+)\}\}\n|\{\{(?P<word>[a-z_]+)\}\}", re.MULTILINE)


def fill(name: str, /, **texts: object) -> str:
    """The template `name` of this package with its holes filled.

    Raises:
        ValueError: holes and texts do not match.
    """
    template = _template(name)
    holes = {hole["line"] or hole["word"] for hole in _HOLE.finditer(template)}
    if holes != set(texts):
        raise ValueError(f"{name} has holes for {sorted(holes)}, got {sorted(texts)}")

    def text(hole: re.Match[str]) -> str:
        if hole["word"]:
            return str(texts[hole["word"]])
        lines = str(texts[hole["line"]])
        return f"{lines}\n" if lines else ""

    return _HOLE.sub(text, template)


@cache
def _template(name: str) -> str:
    return files("asterisk_config").joinpath("templates", name).read_text("utf-8")
