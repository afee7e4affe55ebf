"""What an image store promises, wherever its bytes lie."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol


class ImageStore(Protocol):
    """Bytes by their SHA-256: whole and durable, or not there at all."""

    @property
    def place(self) -> str:
        """Where it is, for a person; without secrets."""

    @property
    def disk(self) -> Path | None:
        """A folder on the disk whose free space it lives by; None where space is somebody else's matter."""

    @property
    def puts_together(self) -> bool:
        """Whether many at once cost little more than one."""

    def put(self, data: bytes) -> str:
        """Store bytes and return their SHA-256, once they would survive a power cut. Raises StorageError."""

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """`put` for each of them, in order; where that fails for one, nobody is told of the others."""

    def get(self, sha256: str) -> bytes:
        """The bytes of that name. Raises NotFound where they are lost, StorageError where they cannot be read."""

    def remove(self, sha256: str, *, unless_put_since: datetime) -> int:
        """Remove the bytes of that name and return how many they were.

        0 where there are none, or where somebody has put the same ones since: they may be about to be referenced.
        Raises StorageError.
        """

    def size_of(self, sha256: str) -> int:
        """Bytes under that name, 0 where there are none. Raises StorageError."""

    def check(self) -> None:
        """Raise StorageError unless something can be written here."""

    def sweep(self) -> None:
        """Remove what a process that was killed left unfinished."""
