"""Files that are written whole or not at all, on a disk that may refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from inspection.errors import StorageError


@contextmanager
def told_of_the_disk(path: Path) -> Iterator[None]:
    """A disk that does not take what it is given becomes a StorageError that names `path`."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: not written ({reason})", "free some space or choose another folder") from None


def replace_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
