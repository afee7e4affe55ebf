"""`python -m service factory ...`: send what the outbox holds, and see how that goes."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.terminal import say, show_table
from service.command_database import AuthorOption, open_database, system_user
from service.db.engine import Database
from service.factory import operations
from service.factory.plan import FactoryPlan, read_plan
from service.factory.sender import make_receivers, send
from service.logs import configure_logs
from service.settings import read_settings
from service.storage import DataOption, UrlOption

factory = typer.Typer(help="The plant's systems: MES, broker and PLCs that are told of verdicts.", no_args_is_help=True)
FileOption = Annotated[
    Path | None, typer.Option("--file", help="The factory file. Default: KENSA_FACTORY.", show_default=False)
]


@factory.command("send")
def send_command(file: FileOption = None, data: DataOption = None, database_url: UrlOption = None) -> None:
    """Tell the plant's systems of every verdict, until stopped. A second sender stands by for the first."""
    plan = _read_plan(file, data, database_url)
    configure_logs(read_settings(data=data, database_url=database_url).log_format)
    with open_database(data, database_url) as database:
        receivers = make_receivers(database, plan)
        say(f"sending to {', '.join(plan.receiver_names) or 'nobody: the factory file names no receiver'}")
        asyncio.run(_send_until_stopped(database, plan, receivers))
    say("the sender has stopped")


@factory.command("status")
def status(data: DataOption = None, database_url: UrlOption = None) -> None:
    """How far everybody has been told."""
    with open_database(data, database_url) as database:
        found = operations.list_receivers(database)
    say(f"sender: {found.sender or 'none runs'}")
    rows = [
        (one.name, one.waiting_count, one.waiting_since and f"{one.waiting_since:%Y-%m-%d %H:%M:%S}", one.failure)
        for one in found.items
    ]
    show_table("Receivers", ("receiver", "waiting", "since (UTC)", "failure"), rows)


@factory.command("skip")
def skip(
    receiver: Annotated[str, typer.Argument(help="Whom not to tell, by its name in the factory file.")],
    station: Annotated[str | None, typer.Option(help="Only of this station. Default: of all.")] = None,
    author: AuthorOption = None,
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Leave out what a receiver has not taken, for good. It goes on with the next verdict."""
    with open_database(data, database_url) as database:
        count = operations.skip(database, receiver, station, author=author or system_user())
    say(f"{receiver}: {count} verdicts are left out")


def _read_plan(file: Path | None, data: Path | None, database_url: str | None) -> FactoryPlan:
    path = file or read_settings(data=data, database_url=database_url).factory
    if path is None:
        raise ConfigError("factory: not given", "give --file FILE or set KENSA_FACTORY")
    return read_plan(path)


async def _send_until_stopped(database: Database, plan: FactoryPlan, receivers: list) -> None:  # type: ignore[type-arg]
    sending = asyncio.create_task(send(database, plan, receivers))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, sending.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await sending
