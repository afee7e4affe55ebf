"""The image store in an S3-compatible bucket. An object appears whole or not at all: that is S3's own promise."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from inspection.errors import ConfigError, StorageError
from inspection.images.digest import sha256_of_bytes
from service.errors import NotFound

_REMEDY = "see that the object store runs and takes writes, then send again"
_PROBE = ".probe"
_PATIENCE: dict[str, Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=5)}


class BucketImageStore:
    """Objects aa/bb/<sha256> below a URL: s3://bucket/prefix. Credentials and endpoint come from AWS_* variables."""

    def __init__(self, url: str, store: ObjectStore) -> None:
        self.place = url
        self.disk: Path | None = None
        self.puts_together = False
        self._store = store

    def put(self, data: bytes) -> str:
        """As every image store. Always written, so that `remove` sees how new it is."""
        sha256 = sha256_of_bytes(data)
        self._write(_key(sha256), data)
        return sha256

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """As every image store; one after another."""
        return [self.put(data) for data in contents]

    def get(self, sha256: str) -> bytes:
        """As every image store."""
        try:
            return bytes(obstore.get(self._store, _key(sha256)).bytes())
        except FileNotFoundError:
            raise NotFound(f"image {sha256}: is no longer in the store", "restore the images from a backup") from None
        except (BaseError, OSError) as error:
            raise self._refusal(error) from None

    def remove(self, sha256: str, *, unless_put_since: datetime) -> int:
        """As every image store; the instants compared are the object store's own."""
        try:
            found = obstore.head(self._store, _key(sha256))
            if found["last_modified"] >= unless_put_since:
                return 0
            obstore.delete(self._store, _key(sha256))
        except FileNotFoundError:
            return 0
        except (BaseError, OSError) as error:
            raise self._refusal(error) from None
        return int(found["size"])

    def size_of(self, sha256: str) -> int:
        """As every image store."""
        try:
            return int(obstore.head(self._store, _key(sha256))["size"])
        except FileNotFoundError:
            return 0
        except (BaseError, OSError) as error:
            raise self._refusal(error) from None

    def check(self) -> None:
        """As every image store."""
        self._write(_PROBE, b"kensa")

    def sweep(self) -> None:
        """Nothing is ever left unfinished."""

    def _write(self, key: str, data: bytes) -> None:
        try:
            obstore.put(self._store, key, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> StorageError:
        return StorageError(f"{self.place}: {_first_line(error)}", _REMEDY)


def open_bucket(url: str) -> BucketImageStore:
    """The store at an obstore URL. Raises ConfigError for one that names nothing known."""
    try:
        client = {"timeout": timedelta(seconds=10), "connect_timeout": timedelta(seconds=3), "allow_http": True}
        # A store in memory, which tests use, has no client to be patient.
        options: dict[str, Any] = {} if url.startswith("memory:") else {
            "client_options": client, "retry_config": _PATIENCE,
        }  # fmt: skip
        return BucketImageStore(url, from_url(url, **options))
    except (BaseError, ValueError) as error:
        raise ConfigError(f"images: {_first_line(error)}", "give one like s3://bucket/prefix") from None


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
