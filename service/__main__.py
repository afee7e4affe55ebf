"""`python -m service`."""

from inspection.terminal import run_command_line
from service.command import app

run_command_line(app)
