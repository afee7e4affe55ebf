"""Image store and database made ready: by every command that works on them, before it does."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from inspection.errors import StorageError
from service.audit.operations import begin_trail
from service.db.engine import Database
from service.db.migrate import upgrade
from service.images.opening import open_image_store
from service.settings import ServiceSettings

DataOption = Annotated[
    Path | None, typer.Option(help="Directory of images and database. Default: KENSA_DATA.", show_default=False)
]
UrlOption = Annotated[
    str | None, typer.Option(help="Database instead of kensa.db in --data: postgresql://user@host/name.")
]


def prepare_storage(settings: ServiceSettings) -> None:
    """Make the image store and bring the database up to date. Raises StorageError."""
    image_store = open_image_store(settings.images, settings.image_directory)
    image_store.check()
    image_store.sweep()
    database = Database(settings.resolved_database_url)
    try:
        upgrade(database)
        begin_trail(database)
    except OperationalError as error:
        first_line = str(error.orig).splitlines()[0]
        shown = settings.resolved_database_url.render_as_string()
        raise StorageError(
            f"{shown}: {first_line}", "check --database-url, and that the database runs and takes writes"
        ) from None
    finally:
        database.close()
