"""Making files durable: one by one, or all that a file system holds at once.

A group of files costs four syncs a part when each file and each folder is synced for itself, and two in all when the
file system is. What neighbours on that file system have just written is then waited for too: where that takes long,
files are synced one by one again for a while.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

_SLOW_S = 0.5
_ALONE_FOR_S = 60.0
# Before, syncfs did not tell of what could not be written.
_TELLING_KERNEL = (5, 8)


class Syncs(Protocol):
    """What a group of files goes through. Everything here raises OSError where something cannot be made durable."""

    def file_written(self, descriptor: int) -> None:
        """One file is written, under a name that nobody looks for."""

    def all_written(self) -> None:
        """All files are: their bytes are durable when this returns, and they may get their names."""

    def all_named(self, folders: Collection[str]) -> None:
        """All files have their names, in these folders: the names are durable when this returns."""


class FileByFile:
    """Every file and every folder for itself."""

    def file_written(self, descriptor: int) -> None:
        """As `Syncs`."""
        os.fsync(descriptor)

    def all_written(self) -> None:
        """As `Syncs`."""

    def all_named(self, folders: Collection[str]) -> None:
        """As `Syncs`."""
        for folder in folders:
            sync_folder(folder)


class WholeDisk:
    """The file system that `descriptor` lies on, which must be opened before the first file is written."""

    def __init__(self, syncfs: Callable[[int], int], descriptor: int) -> None:
        self._syncfs = syncfs
        self._descriptor = descriptor

    def file_written(self, descriptor: int) -> None:
        """As `Syncs`."""

    def all_written(self) -> None:
        """As `Syncs`."""
        self._sync()

    def all_named(self, folders: Collection[str]) -> None:
        """As `Syncs`."""
        self._sync()

    def _sync(self) -> None:
        if self._syncfs(self._descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


class Durably:
    """Runs the writing of a group of files with the syncs that suit it now."""

    def __init__(self, syncfs: Callable[[int], int] | None = None) -> None:
        self._syncfs = syncfs or find_syncfs()
        self._alone_until = 0.0

    def run(self, folder: Path, write: Callable[[Syncs], None], *, file_count: int) -> None:
        """`write` files below `folder`. Raises OSError."""
        if file_count < 2 or self._syncfs is None or time.monotonic() < self._alone_until:
            write(FileByFile())
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            started = time.monotonic()
            write(WholeDisk(self._syncfs, descriptor))
            if time.monotonic() - started > _SLOW_S:
                self._alone_until = time.monotonic() + _ALONE_FOR_S
        finally:
            os.close(descriptor)


def find_syncfs() -> Callable[[int], int] | None:
    """The C library's syncfs, where the kernel tells by it of bytes that were lost; else None."""
    if sys.platform != "linux" or _kernel() < _TELLING_KERNEL:
        return None
    syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return syncfs


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)
