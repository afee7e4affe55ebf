"""The local image store: a file per content, named by its SHA-256, whole and durable or not there at all."""

import os
import secrets
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path

from inspection.errors import StorageError
from inspection.images.digest import sha256_of_bytes
from service.errors import NotFound
from service.images.durably import Durably, Syncs, sync_folder

_REMEDY = "free space on the disk, or make the directory writable, then send again"
_ABANDONED_AFTER_S = 3600.0


class LocalImageStore:
    """Files aa/b/<sha256> below `directory`; what is still being written lies in `.incoming`, on the same disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.incoming = directory / ".incoming"
        self.place = str(directory)
        self.disk: Path | None = directory
        self.puts_together = True
        # Which of the 256 upper folders this process knows to survive a power cut, with all that is below them.
        self._durable: set[str] = set()
        self._durably = Durably()

    def put(self, data: bytes) -> str:
        """As every image store."""
        return self.put_all([data])[0]

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """As every image store; they share their syncs."""
        names = [sha256_of_bytes(data) for data in contents]
        wanted = dict(zip(names, contents, strict=True))
        uppers = {name[:2] for name in wanted}
        try:
            for upper in uppers - self._durable:
                self._make_folders(self.directory / upper)
                self._durable.add(upper)
            self._durably.run(self.directory, lambda syncs: self._write_all(wanted, syncs), file_count=len(wanted))
        except OSError as error:
            # Somebody may have taken the folders away: the next part looks again.
            self._durable -= uppers
            raise StorageError(f"{self.directory}: {error.strerror}", _REMEDY) from None
        return names

    def get(self, sha256: str) -> bytes:
        """The bytes of that name. Raises NotFound where the file is lost, StorageError where it cannot be read."""
        try:
            return self.path_of(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"image {sha256}: is no longer in the store", "restore the images from a backup") from None
        except OSError as error:
            raise StorageError(f"{self.directory}: {error.strerror}", "make the directory readable") from None

    def remove(self, sha256: str, *, unless_put_since: datetime) -> int:
        """Remove a file and return its size; 0 where it is not there, or was put again since that instant.

        It is moved aside first: whoever puts the same bytes meanwhile either touched it before, which shows, or finds
        it gone and writes it anew. Raises StorageError.
        """
        path = self.path_of(sha256)
        aside = self.incoming / f"{sha256}.leaving"
        try:
            self.incoming.mkdir(exist_ok=True)
            os.rename(path, aside)
            found = aside.stat()
            if found.st_mtime >= unless_put_since.timestamp():
                os.rename(aside, path)
                return 0
            aside.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StorageError(f"{self.directory}: {error.strerror}", "make the directory writable") from None
        return found.st_size

    def size_of(self, sha256: str) -> int:
        """0 where there is no such file. Raises StorageError."""
        try:
            return self.path_of(sha256).stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StorageError(f"{self.directory}: {error.strerror}", "make the directory readable") from None

    def path_of(self, sha256: str) -> Path:
        # 4096 folders: few enough to be made within the first minutes, and never too full.
        return self.directory / sha256[:2] / sha256[2] / sha256

    def check(self) -> None:
        """Raise StorageError unless a file can be written here."""
        try:
            self.incoming.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.incoming) as probe:
                probe.write(b"kensa")
                probe.flush()
        except OSError as error:
            raise StorageError(f"{self.directory}: {error.strerror}", _REMEDY) from None

    def sweep(self) -> None:
        """Remove what a process that was killed left unfinished; what is young may be another's at work."""
        youngest = time.time() - _ABANDONED_AFTER_S
        for path in self.incoming.glob("*"):
            try:
                # What a removal was cut off from goes back: the next one decides again.
                if path.suffix == ".leaving":
                    os.rename(path, self.path_of(path.stem))
                elif path.stat().st_mtime < youngest:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _make_folders(self, upper: Path) -> None:
        """`upper` and all that a file below it may lie in, at once: they share the syncs that make them durable.

        Those that were there are synced too: whoever made them may not have come to that line yet.
        """
        upper.mkdir(parents=True, exist_ok=True)
        self.incoming.mkdir(exist_ok=True)
        for digit in "0123456789abcdef":
            (upper / digit).mkdir(exist_ok=True)
        sync_folder(upper)
        sync_folder(self.directory)
        # A parent that we may not read is one that we have not made.
        with suppress(PermissionError):
            sync_folder(self.directory.parent)

    def _write_all(self, wanted: dict[str, bytes], syncs: Syncs) -> None:
        """Write aside, sync, and rename: a reader sees all of a file or nothing."""
        paths = {name: f"{self.place}/{name[:2]}/{name[2]}/{name}" for name in wanted}
        aside: dict[str, str] = {}
        try:
            for name, path in paths.items():
                if not _is_touched(path):
                    temporary = f"{self.incoming}/{name}.{secrets.token_hex(8)}"
                    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                    aside[temporary] = path
                    with open(descriptor, "wb", buffering=0) as file:
                        _write_whole(file, wanted[name])
                        syncs.file_written(descriptor)
            if aside:
                syncs.all_written()
            for temporary, path in aside.items():
                os.rename(temporary, path)
        except OSError:
            for temporary in aside:
                Path(temporary).unlink(missing_ok=True)
            raise
        # Also for a file that was there already: whoever wrote it may not have come to this line yet.
        syncs.all_named({os.path.dirname(path) for path in paths.values()})


def _is_touched(path: str) -> bool:
    """Is the file there? Then it counts as put now: what is put is not removed."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _write_whole(file: FileIO, data: bytes) -> None:
    """Without a buffer a write may take only a part: a disk that is filling up does."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
