"""An image store by its URL."""

from pathlib import Path

from service.images.bucket_store import open_bucket
from service.images.image_store import ImageStore
from service.images.local_store import LocalImageStore


def open_image_store(url: str | None, directory: Path) -> ImageStore:
    """The bucket at `url`, or without one the files below `directory`. Raises ConfigError."""
    return LocalImageStore(directory) if url is None else open_bucket(url)
