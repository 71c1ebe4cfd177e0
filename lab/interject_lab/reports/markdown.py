"""Tables in Markdown, and the sections of a document that a command writes anew."""

from collections.abc import Sequence
from pathlib import Path

from interject_lab.errors import writing
from media_pod.errors import SetupError


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; its first column is words, the others are figures."""
    rule = ["---", *("---:" for _ in header[1:])]
    lines = [" | ".join(cells) for cells in (header, rule, *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def number(value: float | None, digits: int = 0) -> str:
    """A figure, or a dash where there was nothing to measure."""
    return "-" if value is None else f"{value:.{digits}f}"


def write_section(path: Path, name: str, text: str) -> None:
    """Put `text` between the two markers of the section `name` of the document at `path`.

    Raises:
        SetupError: no such document, or it does not have the markers in order.
    """
    before, after = _around(path, name)
    begin, end = markers(name)
    with writing(path):
        path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")


def check_section(path: Path, name: str) -> None:
    """Find out before the long work whether `write_section` will find its place.

    Raises:
        SetupError: as `write_section`.
    """
    _around(path, name)


def _around(path: Path, name: str) -> tuple[str, str]:
    """What comes before and after the section, its markers not included."""
    begin, end = markers(name)
    try:
        document = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SetupError(f"{path}: {reason}, expected a document with the line {begin}") from error
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        missing = end if found_begin else begin
        raise SetupError(f"{path} has no line {missing}: add it where the table is to be")
    return before, after


def markers(name: str) -> tuple[str, str]:
    """The lines around the section `name`."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
