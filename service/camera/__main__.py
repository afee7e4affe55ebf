"""`python -m service.camera`: the same as `python -m service camera`, on a machine that has no server installed."""

import typer

from inspection.terminal import run_command_line
from service.camera.command import camera

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
app.command()(camera)

if __name__ == "__main__":
    run_command_line(app)
