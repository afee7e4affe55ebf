"""The log: one event a line on standard error, for a person or as JSON; uvicorn's and ours alike.

Ours goes straight to the stream: by way of the standard library a line takes three times as long, for every part. Each
is written before the work goes on, so that what a crash leaves behind is all that was done.
"""

import json
import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor


class _Lines(structlog.WriteLogger):
    """Writes what is rendered; `name` is the logger's, for the line."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


# Made once: `json.dumps` would make one for each line. What it does not know is told as Python does.
_encoder = json.JSONEncoder(default=repr)


def configure_logs(log_format: Literal["console", "json"]) -> None:
    """Render what structlog and the standard library's logging tell by the same processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[Processor] = (
        [structlog.processors.format_exc_info, lambda _logger, _method, event: _encoder.encode(event)]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[*shared, *renderers],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # Alembic announces at every start that there was nothing to do.
    logging.getLogger("alembic").setLevel(logging.WARNING)
