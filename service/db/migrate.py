"""Bringing a database to the newest revision; `upgrade` is safe to run by several replicas at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from inspection.errors import StorageError
from service.db.engine import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x6B656E7361


def upgrade(database: Database) -> None:
    """Apply every migration that is missing, in one transaction. Raises StorageError for a newer database."""
    with database.migrating() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError as error:
            raise StorageError(
                f"{database.engine.url.render_as_string()}: {error}",
                "install the version of Kensa that last used this database, or a newer one",
            ) from None


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for work on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
