"""`python -m deploy.demo`: the whole product on a simulated line, or on a folder of your pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.demo.demonstration import Wishes, demonstrate, with_parts
from deploy.demo.line import LinePlan
from deploy.demo.processes import ProcessGroup, Stopped
from deploy.demo.training import Programs
from inspection.errors import StorageError
from inspection.terminal import run_command_line, say

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    images: Annotated[
        Path | None, typer.Option(help="Your pictures: a flat folder, or train/good and test/*. Default: simulated.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End after the camera instead of staying up.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: the first free from 8080.")] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to pretrain, and then to distill.")] = 3.0,
    data: Annotated[Path, typer.Option(help="Where everything made here is kept.")] = Path(".kensa/demo"),
    init: Annotated[
        str | None, typer.Option(help="Weights to begin from, or `none`. Default: the optional package's.")
    ] = None,
    parts: Annotated[int | None, typer.Option(min=1, help="Simulated parts for the camera.")] = None,
) -> None:
    """Pictures -> pretraining -> distillation -> bundle -> service -> verdicts -> the review page."""
    wishes = Wishes(images, once, port, minutes, data, init, with_parts(LinePlan(), parts))
    try:
        with ProcessGroup() as processes:
            demonstrate(wishes, Programs(), processes)
    except OSError as error:
        place = error.filename or data
        raise StorageError(f"{place}: {error.strerror}", "make room or rights there, or name another --data") from None
    except Stopped as stopped:
        say(f"ended by {stopped}; what is finished is kept, and the next run goes on from there")
        raise typer.Exit(128 + stopped.signal_number) from None


if __name__ == "__main__":
    run_command_line(app)
