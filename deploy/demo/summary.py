"""What the demonstration shows: a live count while the camera posts, tables and one line of figures after."""

from __future__ import annotations

import sys

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.demo.tally import Tally
from deploy.demo.training import Trained
from inspection.terminal import emit_figures, messages, say, show_table
from inspection.verdict import Verdict

PLAIN_EVERY = 50
"""Without a terminal, one line of count for so many parts."""


def share(part: tuple[int, int]) -> str:
    """`3 of 41 (7.3 %)`, or a dash where nobody knows the truth."""
    count, total = part
    return f"{count} of {total} ({100 * count / total:.1f} %)" if total else "-"


def count_table(tally: Tally) -> Table:
    """The count so far as a one-row table."""
    table = Table(box=None, padding=(0, 2))
    for name in ("posted", "PASS", "HOLD", "FAIL", "escapes", "overkill", "median / p95 ms"):
        table.add_column(name, justify="right")
    pace = tally.milliseconds()
    table.add_row(
        str(len(tally.entries)),
        f"[green]{tally.count(Verdict.PASS)}[/]",
        f"[yellow]{tally.count(Verdict.HOLD)}[/]",
        f"[red]{tally.count(Verdict.FAIL)}[/]",
        share(tally.escapes()),
        share(tally.overkill()),
        f"{pace[0]:.0f} / {pace[1]:.0f}" if pace else "-",
    )
    return table


class LiveSummary:
    """The count on standard error, redrawn after each part; a plain line now and then without a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar = Progress(
            TextColumn("camera"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn()
        )
        self._task = self._bar.add_task("camera", total=total)
        self._live = Live(console=messages, refresh_per_second=8)

    def __enter__(self) -> LiveSummary:
        if messages.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if messages.is_terminal:
            self._live.stop()

    def show(self, tally: Tally) -> None:
        """Redraw with the newest count."""
        done = len(tally.entries) + len(tally.refused)
        if messages.is_terminal:
            self._bar.update(self._task, completed=done)
            grid = Table.grid()
            grid.add_row(self._bar)
            grid.add_row(count_table(tally))
            self._live.update(grid)
        elif done % PLAIN_EVERY == 0 or done == self._total:
            verdicts = ", ".join(f"{tally.count(verdict)} {verdict}" for verdict in Verdict)
            say(f"camera: {done} of {self._total} posted: {verdicts}")


def show_result(tally: Tally, trained: Trained, stored: int) -> None:
    """Tables, then the last line of standard output: the figures as one JSON object."""
    rows: list[list[object]] = [
        [truth, verdicts.total(), *(verdicts[verdict] for verdict in Verdict), auroc]
        for truth, verdicts, auroc in tally.by_truth()
    ]
    if rows:
        show_table("verdicts by truth", ["truth", "parts", *Verdict, "image AUROC"], rows)
    auroc = tally.image_auroc()
    unscored = sum(answer.part_score is None for _, answer in tally.entries)
    shown: list[list[object]] = [
        ["posted", len(tally.entries)],
        ["stored, read back from the service", stored],
        ["escapes (defective parts passed)", share(tally.escapes())],
        ["overkill (good parts failed)", share(tally.overkill())],
        ["image AUROC", auroc],
        ["held without a score", unscored],
        ["refused by the service", len(tally.refused)],
    ]
    show_table("the demonstration", ["figure", "value"], shown)
    for shot, why in tally.refused[:5]:
        say(f"refused: {shot.path}: {why}")
    sys.stderr.flush()
    emit_figures(
        {
            "posted": len(tally.entries),
            **{verdict.lower(): tally.count(verdict) for verdict in Verdict},
            "stored": stored,
            "image_auroc": auroc,
            "seconds": {
                "pretrain": round(trained.pretrain.seconds, 1),
                "distill": round(trained.distill.seconds, 1),
            },
        }
    )
