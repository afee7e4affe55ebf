"""The pictures that were taken in and not yet answered, on disk: whatever ends this process, none is lost or doubled.

A ledger (SQLite) and a folder of images. A picture is first an image that is durable, then a row that says `waiting`,
and once its verdict is known a row that says so; only then its image goes. Killed at any point between, the next start
finds an image without a row and removes it, or a row that waits and sends it again, with the same trigger id.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from inspection.errors import ConfigError, StorageError
from service.camera.folder import Picture, Sighting
from service.client import Trigger

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS shots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name BLOB NOT NULL, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
    image TEXT NOT NULL UNIQUE, trigger TEXT NOT NULL, outcome TEXT,
    UNIQUE (name, size, changed_ns)
);
CREATE INDEX IF NOT EXISTS shots_waiting ON shots (number) WHERE outcome IS NULL;
"""
_SAME = "name = ? AND size = ? AND changed_ns = ?"
_PRAGMAS = ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL")


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture that waits for its verdict."""

    number: int
    sighting: Sighting
    image: Path
    trigger: Trigger


class Backlog:
    """What waits, in the order it was taken in. Threads may share it; processes may not.

    Raises ConfigError where another process has it, StorageError where the disk does not take it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._images = directory / "images"
        self._turn = threading.RLock()
        try:
            self._images.mkdir(parents=True, exist_ok=True)
            self._ledger = sqlite3.connect(
                directory / "ledger.db", check_same_thread=False, isolation_level=None, timeout=1
            )
            self._open()
            self._sweep()
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from None

    def take_in(self, picture: Picture, trigger: Trigger) -> None:
        """Make a picture durable; one that was taken in before is left as it is. Raises StorageError."""
        image, seen = picture.digest, picture.sighting
        with self._turn:
            if self._ask(f"SELECT 1 FROM shots WHERE {_SAME}", *_key(seen)):
                return
            try:
                self._write(self._images / image, picture.data)
            except OSError as error:
                raise self._fault(error) from None
            self._ask(
                "INSERT INTO shots (name, size, changed_ns, image, trigger) VALUES (?, ?, ?, ?, ?)",
                *_key(seen),
                image,
                json.dumps(trigger.fields()),
            )

    def first(self) -> Shot | None:
        """The oldest that waits. Raises StorageError."""
        rows = self._ask(
            "SELECT number, name, size, changed_ns, image, trigger FROM shots"
            " WHERE outcome IS NULL ORDER BY number LIMIT 1"
        )
        if not rows:
            return None
        number, name, size, changed_ns, image, trigger = rows[0]
        seen = Sighting(os.fsdecode(name), size, changed_ns)
        return Shot(number, seen, self._images / image, _read_trigger(trigger))

    def settle(self, shot: Shot, outcome: str) -> None:
        """Note how it ended, PASS, HOLD, FAIL or refused, and give up its image. Raises StorageError."""
        self._ask("UPDATE shots SET outcome = ? WHERE number = ?", outcome, shot.number)
        try:
            shot.image.unlink(missing_ok=True)
        except OSError as error:
            raise self._fault(error) from None

    def set_aside(self, shot: Shot, reason: str) -> Path:
        """Keep the image of a refused picture for a person, with the reason beside it. Raises StorageError."""
        folder = self.directory / "refused"
        kept = folder / f"{shot.number:08d}-{Path(shot.sighting.name).name}"
        try:
            folder.mkdir(exist_ok=True)
            if shot.image.exists():
                os.replace(shot.image, kept)
            kept.with_name(kept.name + ".txt").write_text(reason + "\n", encoding="utf-8")
        except OSError as error:
            raise self._fault(error) from None
        self.settle(shot, "refused")
        return kept

    def known(self) -> set[Sighting]:
        """All pictures that were ever taken in and not forgotten."""
        return self._sightings("TRUE")

    def answered(self) -> set[Sighting]:
        """Those that have their verdict."""
        return self._sightings("outcome <> 'refused'")

    def forget(self, gone: Collection[Sighting]) -> None:
        """Drop what is answered and no longer in the folder, or the ledger would grow for years."""
        with self._turn:
            for seen in gone:
                self._ask(f"DELETE FROM shots WHERE {_SAME} AND outcome IS NOT NULL", *_key(seen))

    def waiting_count(self) -> int:
        """How many wait."""
        count: int = self._ask("SELECT count(*) FROM shots WHERE outcome IS NULL")[0][0]
        return count

    def waiting_bytes(self) -> int:
        """The room their images take."""
        total: int = self._ask("SELECT coalesce(sum(size), 0) FROM shots WHERE outcome IS NULL")[0][0]
        return total

    def close(self) -> None:
        """Let another process have it."""
        with self._turn:
            self._ledger.close()

    def _sightings(self, condition: str) -> set[Sighting]:
        rows = self._ask(f"SELECT name, size, changed_ns FROM shots WHERE {condition}")
        return {Sighting(os.fsdecode(name), size, changed_ns) for name, size, changed_ns in rows}

    def _open(self) -> None:
        for pragma in _PRAGMAS:
            self._ledger.execute(f"PRAGMA {pragma}").close()
        version = self._ledger.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise ConfigError(f"{self.directory}: was written by another version", "let that one finish it")
        self._ledger.executescript(_SCHEMA)
        self._ledger.execute(f"PRAGMA user_version = {_VERSION}")

    def _sweep(self) -> None:
        waiting = {row[0] for row in self._ask("SELECT image FROM shots WHERE outcome IS NULL")}
        for path in self._images.iterdir():
            if path.name not in waiting:
                path.unlink()

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync(path.parent)

    def _ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._turn:
            try:
                return self._ledger.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise self._fault(error) from None

    def _fault(self, error: OSError | sqlite3.Error) -> ConfigError | StorageError:
        if "locked" in str(error):
            return ConfigError(
                f"{self.directory}: another camera program works here", "end it, or give another --state"
            )
        reason = getattr(error, "strerror", None) or str(error)
        return StorageError(f"{self.directory}: {reason}", "free space there, or give another --state")


def _key(seen: Sighting) -> tuple[bytes, int, int]:
    return os.fsencode(seen.name), seen.size, seen.changed_ns


def _read_trigger(text: str) -> Trigger:
    fields = json.loads(text)
    return Trigger(**{**fields, "captured_at": datetime.fromisoformat(fields["captured_at"])})


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
