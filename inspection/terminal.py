"""How every command speaks: messages and progress on standard error, a table and one JSON line on standard output."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import typer
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from inspection.errors import KensaError

Item = TypeVar("Item")
messages = Console(stderr=True, highlight=False, emoji=False)
_USER_ERROR_STATUS = 2


def say(text: str) -> None:
    """One line for a person, on standard error."""
    messages.print(text, markup=False, soft_wrap=True)


class _NotedProgress(Progress):
    """A bar whose note has a line of its own: beside a long note a narrow terminal has no room for the bar."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for task in self.tasks:
            if task.fields["note"]:
                yield Text(f"  {task.fields['note']}", style="dim")


@contextmanager
def progress_bar(title: str, total: int | float, *, unit: str = "") -> Iterator[Callable[..., None]]:
    """A bar with remaining time; yields `advance(step=1, note="")`."""
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    ]
    if unit:
        columns.insert(2, MofNCompleteColumn())
        columns.insert(3, TextColumn(unit, markup=False))
    with _NotedProgress(*columns, console=messages, transient=False) as progress:
        task = progress.add_task(title, total=total, note="")

        def advance(step: float = 1, note: str | None = None) -> None:
            progress.advance(task, step)
            if note is not None:
                progress.update(task, note=note)

        yield advance


def track(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Iterate with a bar that shows the remaining time."""
    with progress_bar(title, total) as advance:
        for item in items:
            yield item
            advance()


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A readable table on standard output."""
    table = Table(title=Text(title), title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(Text(name), justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)


def emit_figures(figures: Mapping[str, object]) -> None:
    """The last line of standard output: one JSON object a script can read."""
    print(json.dumps(figures, allow_nan=False), flush=True)


def run_command_line(app: typer.Typer) -> None:
    """Run a command line; a KensaError becomes one line on standard error and exit status 2."""
    try:
        app()
    except KensaError as error:
        say(f"error: {error}")
        raise SystemExit(_USER_ERROR_STATUS) from None


def _cell(value: object) -> Text:
    # Text, since a string would be read as markup, and the brackets of a file's name as a style.
    if value is None:
        return Text("-")
    return Text(f"{value:.4g}" if isinstance(value, float) else str(value))
