"""`python -m service backup` and `restore`."""

from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import StorageError
from inspection.terminal import emit_figures, say
from service.backup import BackupReport, back_up, restore
from service.images.opening import open_image_store
from service.settings import read_settings
from service.storage import DataOption, UrlOption


def backup(
    to: Annotated[Path, typer.Option(help="Folder of the backup; an earlier one there is brought up to date.")],
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Copy database, pictures and bundles, while the service runs. PostgreSQL needs pg_dump."""
    settings = read_settings(data=data, database_url=database_url)
    store = open_image_store(settings.images, settings.image_directory)
    _tell(back_up(settings.resolved_database_url, store, settings.bundle_directory, to))


def restore_backup(
    source: Annotated[Path, typer.Option("--from", help="Folder of the backup.")],
    data: DataOption = None,
    database_url: UrlOption = None,
) -> None:
    """Bring a backup back into an empty place. PostgreSQL needs pg_restore and an empty database."""
    settings = read_settings(data=data, database_url=database_url)
    store = open_image_store(settings.images, settings.image_directory)
    _tell(restore(source, settings.resolved_database_url, store, settings.bundle_directory))


def _tell(report: BackupReport) -> None:
    """What was done, and an error where a picture that is on record was not to be had."""
    say(f"{report.inspection_count} inspections, {report.picture_count} pictures, {report.copied_count} of them new")
    emit_figures(
        {
            "inspections": report.inspection_count,
            "pictures": report.picture_count,
            "copied": report.copied_count,
            "lost": len(report.lost),
        }
    )
    if report.lost:
        raise StorageError(
            f"{len(report.lost)} pictures are lost or damaged, {report.lost[0]} first", "restore them from elsewhere"
        )
