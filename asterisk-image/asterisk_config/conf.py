"""The text formats of Asterisk's files: configuration sections, and dialplan templates.

Asterisk's parser truncates a value at an unescaped semicolon, strips the surrounding spaces, and
treats `key=>` as another kind of assignment. So there is a space on both sides of the equals sign,
and semicolons are escaped. A backslash is literal unless a semicolon follows. (main/config.c,
process_text_line)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PLACEHOLDER = re.compile(r"^\{\{(?P<line>[a-z_]+)\}\}\n|\{\{(?P<word>[a-z_]+)\}\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """`[name]` and its lines in order; a key can occur several times."""

    name: str
    lines: tuple[tuple[str, str], ...]


def section(name: str, /, *lines: tuple[str, object], **more: object) -> Section:
    """A section from pairs, then keywords; values of None are left out."""
    pairs = (*lines, *more.items())
    return Section(name, tuple((key, _word(value)) for key, value in pairs if value is not None))


def conf(heading: str, sections: Iterable[Section]) -> str:
    """The text of a file: `heading` as a comment, then the sections."""
    blocks = [_comment(heading), *map(_block, sections)]
    return "\n\n".join(blocks) + "\n"


def escaped(value: str) -> str:
    """`value` in the notation of a configuration file.

    Raises:
        ValueError: it has a line break, or leading or trailing spaces, which cannot be escaped.
    """
    if value != value.strip() or not value.isprintable():
        raise ValueError(f"found a value of {len(value)} characters that cannot be escaped")
    return value.replace(";", "\\;")


def fill(name: str, /, **texts: object) -> str:
    """The template `name` of this package with its {{placeholders}} replaced.

    A placeholder alone on its line can be replaced by several lines, or by none: then the line is
    removed. The models have validated the texts, so nothing is escaped here.

    Raises:
        ValueError: placeholders and texts do not match.
    """
    template = _template(name)
    names = {found["line"] or found["word"] for found in _PLACEHOLDER.finditer(template)}
    if names != set(texts):
        raise ValueError(f"{name} has placeholders {sorted(names)}, got {sorted(texts)}")

    def text(found: re.Match[str]) -> str:
        if found["word"]:
            return str(texts[found["word"]])
        lines = str(texts[found["line"]])
        return f"{lines}\n" if lines else ""

    return _PLACEHOLDER.sub(text, template)


@cache
def _template(name: str) -> str:
    return files("asterisk_config").joinpath("templates", name).read_text("utf-8")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _comment(text: str) -> str:
    return "\n".join(f"; {line}".rstrip() for line in text.splitlines())


def _block(part: Section) -> str:
    lines = (f"{key} = {escaped(value)}" for key, value in part.lines)
    return "\n".join((f"[{part.name}]", *lines))
