"""Parses configuration files as Asterisk does (main/config.c, process_text_line).

Only supports what rendered files can contain: sections, assignments, comments. Other syntax of
Asterisk (#include, templates, block comments, continued sections) is an error here.
"""

from dataclasses import dataclass, field


@dataclass
class Parsed:
    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, key: str) -> str:
        (value,) = [value for found, value in self.lines if found == key]
        return value

    def all(self, key: str) -> list[str]:
        return [value for found, value in self.lines if found == key]


def parse(text: str) -> list[Parsed]:
    """The sections of a file, in order."""
    sections: list[Parsed] = []
    for line in text.split("\n"):
        content = _without_comment(line).strip()
        if not content:
            continue
        if content.startswith("["):
            assert content.endswith("]"), f"a section with a tail: {content!r}"
            sections.append(Parsed(content[1:-1]))
            continue
        assert not content.startswith("#"), f"a directive: {content!r}"
        key, equals, value = content.partition("=")
        assert equals, f"neither section nor assignment: {content!r}"
        sections[-1].lines.append((key.strip(), value.removeprefix(">").strip()))
    return sections


def sections(text: str, name: str) -> list[Parsed]:
    """All sections with this name."""
    return [section for section in parse(text) if section.name == name]


def section(text: str, name: str, kind: str | None = None) -> Parsed:
    """The only section with this name, and with type `kind` if given."""
    (found,) = [s for s in sections(text, name) if kind is None or ("type", kind) in s.lines]
    return found


def _without_comment(line: str) -> str:
    """`line` up to the first unescaped semicolon; escaped ones lose their backslash."""
    kept = ""
    for sign in line:
        if sign == ";":
            if not kept.endswith("\\"):
                return kept
            kept = kept[:-1]
        kept += sign
    return kept
