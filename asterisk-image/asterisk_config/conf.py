"""Asterisk's configuration files: sections of keys and values, as text.

The parser cuts a value off at an unescaped semicolon, strips spaces around it, and takes `key=>`
for another assignment; so there is a space on both sides of the equals sign, and semicolons are
escaped. A backslash means itself unless a semicolon follows. (main/config.c, process_text_line)
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """`[name]` and its lines, in order; a key may come several times."""

    name: str
    lines: tuple[tuple[str, str], ...]


def section(name: str, /, *lines: tuple[str, object], **more: object) -> Section:
    """A section from pairs, then keywords; whatever is None is left out."""
    pairs = (*lines, *more.items())
    return Section(name, tuple((key, _word(value)) for key, value in pairs if value is not None))


def conf(heading: str, sections: Iterable[Section]) -> str:
    """The text of a file: a comment on what it is, then its sections."""
    blocks = [_comment(heading), *map(_block, sections)]
    return "\n\n".join(blocks) + "\n"


def escaped(value: str) -> str:
    """`value` as it is written after the equals sign.

    Raises:
        ValueError: it has a line end or a space at an end, which no escape can express.
    """
    if value != value.strip() or not value.isprintable():
        raise ValueError(f"a value of {len(value)} characters that no Asterisk file can hold")
    return value.replace(";", "\\;")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _comment(text: str) -> str:
    return "\n".join(f"; {line}".rstrip() for line in text.splitlines())


def _block(part: Section) -> str:
    lines = (f"{key} = {escaped(value)}" for key, value in part.lines)
    return "\n".join((f"[{part.name}]", *lines))
