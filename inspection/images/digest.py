"""Digests: the names of images, files and sets of images."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_set(digests: Iterable[str]) -> str:
    """One digest for a set of digests, whatever their order."""
    return sha256_of_bytes("\n".join(sorted(digests)).encode())
