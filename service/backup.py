"""A backup of everything a verdict stands on, and the way back into an empty place.

The database first, then the pictures: a picture is there before its row is, so every row of the copy finds its own.
Pictures that an earlier backup has are not copied again: their name is their content.
"""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import URL, make_url

from inspection import __version__
from inspection.errors import StorageError
from inspection.images.digest import sha256_of_bytes
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.images.image_store import ImageStore
from service.images.local_store import LocalImageStore

_SQLITE_COPY = "kensa.db"
_POSTGRESQL_COPY = "kensa.pgdump"
_NOTE = "backup.json"
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, or what was restored from it; `lost` are pictures that a row names and nobody has."""

    inspection_count: int
    picture_count: int
    copied_count: int
    lost: tuple[str, ...]


def back_up(url: URL, image_store: ImageStore, bundles: Path, target: Path) -> BackupReport:
    """Write a backup to the folder `target`, beside an earlier one's pictures. Raises StorageError."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        copy = _copy_database(url, target)
        if bundles.is_dir():
            shutil.copytree(bundles, target / "bundles", dirs_exist_ok=True)
    except OSError as error:
        raise StorageError(f"{target}: {error.strerror or error}", "free space, or give another folder") from None
    database = Database(url)
    try:
        # Rows that came after the copy was made are looked at too: their pictures do no harm.
        report = _copy_pictures(database, image_store, LocalImageStore(target / "images"))
    finally:
        database.close()
    note = {"kensa_version": __version__, "database": copy.name, "inspections": report.inspection_count}
    (target / _NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    return report


def restore(source: Path, url: URL, image_store: ImageStore, bundles: Path) -> BackupReport:
    """Bring a backup back into an empty database and an image store. Raises StorageError where it is not empty."""
    try:
        note = json.loads((source / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StorageError(f"{source}: is no backup", f"give a folder with {_NOTE} in it") from None
    # Before the database is touched: it also makes the store's folders, of which an empty machine has none.
    image_store.check()
    copy = source / str(note["database"])
    try:
        (_restore_sqlite if url.get_backend_name() == "sqlite" else _restore_postgresql)(copy, url)
        if (source / "bundles").is_dir():
            shutil.copytree(source / "bundles", bundles, dirs_exist_ok=True)
    except OSError as error:
        raise StorageError(f"{source}: {error.strerror or error}", "see that it is whole and readable") from None
    database = Database(url)
    try:
        return _copy_pictures(database, LocalImageStore(source / "images"), image_store)
    finally:
        database.close()


def _copy_database(url: URL, target: Path) -> Path:
    if url.get_backend_name() == "sqlite":
        copy, part = target / _SQLITE_COPY, target / f"{_SQLITE_COPY}.part"
        # SQLite's own online backup: the service goes on writing meanwhile.
        with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(part)) as written:
            source.backup(written)
    else:
        copy, part = target / _POSTGRESQL_COPY, target / f"{_POSTGRESQL_COPY}.part"
        _run(["pg_dump", "--format=custom", "--no-owner", f"--file={part}", f"--dbname={_libpq(url)}"])
    part.replace(copy)
    return copy


def _restore_sqlite(copy: Path, url: URL) -> None:
    if copy.name != _SQLITE_COPY:
        raise StorageError(f"{copy}: is of another kind of database", "restore it with --database-url postgresql://...")
    target = Path(str(url.database))
    if target.exists():
        raise StorageError(f"{target}: is there already", "restore into an empty place, or move that file away")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(copy, target)


def _restore_postgresql(copy: Path, url: URL) -> None:
    if copy.name != _POSTGRESQL_COPY:
        raise StorageError(f"{copy}: is of another kind of database", "restore it without --database-url")
    _run(["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_libpq(url)}", str(copy)])


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise StorageError(f"{command[0]}: is not installed", "install PostgreSQL's client programs") from None
    except subprocess.CalledProcessError as error:
        told = (error.stderr.strip().splitlines() or ["failed without a word"])[0]
        raise StorageError(f"{command[0]}: {told}", "see that the database runs and, to restore, is empty") from None


def _libpq(url: URL) -> str:
    """As PostgreSQL's own programs read it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _copy_pictures(database: Database, source: ImageStore, target: ImageStore) -> BackupReport:
    inspection_count = picture_count = copied_count = 0
    lost: list[str] = []
    for names in _stream_names(database):
        inspection_count += 1
        for name in names:
            picture_count += 1
            if target.size_of(name):
                continue
            try:
                data = source.get(name)
            except NotFound:
                lost.append(name)
                continue
            # Not copied on trust: a picture that has rotted is as good as lost, and is told so.
            if sha256_of_bytes(data) != name:
                lost.append(name)
                continue
            target.put(data)
            copied_count += 1
    return BackupReport(inspection_count, picture_count, copied_count, tuple(sorted(set(lost))))


def _stream_names(database: Database) -> Iterator[list[str]]:
    """Names of the pictures of each inspection, none for those that retention has emptied."""
    above_id = 0
    columns = (
        StoredInspection.id,
        StoredInspection.image_sha256,
        StoredInspection.heat_map_sha256,
        StoredInspection.images_removed_at,
    )
    query = select(*columns).order_by(StoredInspection.id).limit(_ROWS_AT_ONCE)
    while True:
        with database.reading() as session:
            rows = session.execute(query.where(StoredInspection.id > above_id)).all()
        if not rows:
            return
        above_id = rows[-1].id
        for row in rows:
            kept = (row.image_sha256, row.heat_map_sha256) if row.images_removed_at is None else ()
            yield [name for name in kept if name is not None]
