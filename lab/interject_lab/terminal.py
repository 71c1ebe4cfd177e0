"""What the lab's commands print: progress on standard error, tables on standard output.

On a terminal rich draws them; a pipe or a file gets plain lines, and tables in Markdown.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

LOG_EVERY_S: Final = 10
"""Without a terminal, elapsed time is printed this often."""
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
            TextColumn("{task.completed:.0f}" + f"{self._of_total} s"),
            console=self._console,
            auto_refresh=False,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total_s, visible=False)

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
        if not self._bar.disable:
            self._bar.update(self._task, completed=elapsed_s, visible=True, refresh=True)
        elif not self._quiet and round(elapsed_s) % LOG_EVERY_S == 0:
            self._console.print(f"  {elapsed_s:3.0f}{self._of_total} s")


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
