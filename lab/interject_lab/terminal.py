"""What the lab's commands print: progress on standard error, tables on standard output.

On a terminal rich draws them; a pipe or a file gets plain lines, and tables in Markdown.
"""

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Final, Self

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

LOG_EVERY_S: Final = 10
"""Without a terminal, progress is printed this often."""
_UNWRAPPED: Final = 10_000
"""Columns of a pipe or a file: no cell is wrapped."""


class ProgressReport:
    """Progress of long work, on standard error: a context manager.

    Args:
        quiet: print nothing.
        total_s: how long the calls last; None if that is not known.
    """

    def __init__(self, *, quiet: bool, total_s: float | None) -> None:
        self._quiet = quiet
        self._of_total = "" if total_s is None else f" of {total_s:.0f}"
        self._console = Console(stderr=True, highlight=False, markup=False)
        # Without auto_refresh no thread runs beside the telephones' clock.
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total_s, visible=False)
        self._first: tuple[float, int] | None = None
        """When calls were counted first, and how many."""
        self._counted_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def step(self, text: str) -> None:
        """Print that a new step of the work starts."""
        if not self._quiet:
            self._console.print(f"{text} ...", soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a result while the work goes on."""
        if not self._quiet:
            self._console.print(text, soft_wrap=True)

    def elapsed(self, elapsed_s: float) -> None:
        """Show that the calls have lasted `elapsed_s`."""
        text = f"{elapsed_s:3.0f}{self._of_total} s"
        if not self._bar.disable:
            self._show(text.lstrip(), elapsed_s)
        elif not self._quiet and round(elapsed_s) % LOG_EVERY_S == 0:
            self._console.print(f"  {text}")

    def calls_done(self, count: int, of: int) -> None:
        """Show that `count` of `of` calls are done, and how long the rest will take.

        The estimate counts from the first call of this method: calls that were done by then cost
        no time.
        """
        now_s = monotonic()
        text = f"{count} of {of} calls{self._time_left(now_s, count, of)}"
        if not self._bar.disable:
            self._show(text, count, of)
        elif not self._quiet and (now_s - self._counted_s >= LOG_EVERY_S or count == of):
            self._console.print(f"  {text}")
            self._counted_s = now_s

    def _show(self, text: str, done: float, of: float | None = None) -> None:
        self._bar.update(
            self._task, description=text, completed=done, total=of, visible=True, refresh=True
        )

    def _time_left(self, now_s: float, count: int, of: int) -> str:
        if self._first is None:
            self._first = now_s, count
            self._counted_s = now_s - LOG_EVERY_S
        began_s, before = self._first
        if count == before or count == of:
            return ""
        left_s = (now_s - began_s) / (count - before) * (of - count)
        return f", {left_s / 60:.0f} min left" if left_s >= 90 else f", {left_s:.0f} s left"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on standard output; its first column is text, the others are figures."""
    console = Console(markup=False)
    if console.is_terminal:
        console.print(_table(header, rows, box.SIMPLE_HEAD))
    else:
        click.echo(table_as_text(header, rows))


def table_as_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same table in Markdown, one line per row."""
    console = Console(width=_UNWRAPPED, color_system=None, markup=False)
    with console.capture() as capture:
        console.print(_table(header, rows, box.MARKDOWN))
    return capture.get().strip("\n ")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], lines: box.Box) -> Table:
    table = Table(box=lines)
    for index, title in enumerate(header):
        table.add_column(title, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    return table
