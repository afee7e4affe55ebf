"""The database as a command gets it: up to date, and closed again."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from service.db.engine import Database
from service.settings import read_settings
from service.storage import prepare_storage

AuthorOption = Annotated[
    str | None, typer.Option(help="Who does this, for the record. Default: the system's user.", show_default=False)
]


@contextmanager
def open_database(data: object, database_url: object) -> Iterator[Database]:
    """By a command's options, or the environment. Raises ConfigError, StorageError."""
    settings = read_settings(data=data, database_url=database_url)
    prepare_storage(settings)
    database = Database(settings.resolved_database_url)
    try:
        yield database
    finally:
        database.close()


def system_user() -> str:
    """Who sits at the machine: the operating system's answer."""
    try:
        return f"command line: {getpass.getuser()}"
    except (OSError, KeyError):
        return "command line"
