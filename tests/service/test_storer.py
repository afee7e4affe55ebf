"""Images are stored off the event loop, and every put is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspection.errors import StorageError
from inspection.images.digest import sha256_of_bytes
from service.images.local_store import LocalImageStore
from service.images.storer import Storer


@pytest.fixture
def store(tmp_path: Path) -> LocalImageStore:
    return LocalImageStore(tmp_path / "images")


@pytest.fixture
def storer(store: LocalImageStore) -> Iterator[Storer]:
    storer = Storer(store)
    storer.start()
    yield storer
    storer.close()


def test_a_put_is_answered_with_a_name_that_is_durable(storer: Storer, store: LocalImageStore) -> None:
    images = [f"image {number}".encode() for number in range(40)]

    async def put_all() -> list[str]:
        return await asyncio.gather(*(storer.put(image) for image in images))

    names = asyncio.run(put_all())
    assert names == [sha256_of_bytes(image) for image in images]
    assert [store.get(name) for name in names] == images


def test_what_goes_wrong_is_the_answer_and_the_thread_goes_on(
    storer: Storer, store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_data: bytes) -> str:
        raise error

    async def put() -> str:
        return await storer.put(b"an image")

    for error in (StorageError("disk: is full", "free space"), MemoryError()) * 10:
        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(store, "put", fail)
            asyncio.run(put())
    assert asyncio.run(put()) == sha256_of_bytes(b"an image")


def test_without_room_nothing_is_written(store: LocalImageStore) -> None:
    def refuse() -> None:
        raise StorageError("disk: is full", "free space")

    async def put() -> str:
        return await storer.put(b"an image")

    storer = Storer(store, require_room=refuse)
    storer.start()
    with pytest.raises(StorageError, match="is full"):
        asyncio.run(put())
    storer.close()
    assert not store.directory.exists()


def test_closing_finishes_what_was_taken(store: LocalImageStore) -> None:
    storer = Storer(store)

    async def put_and_close() -> list[str]:
        answers = [storer.put(f"image {number}".encode()) for number in range(20)]
        storer.start()
        await asyncio.to_thread(storer.close)
        return await asyncio.gather(*answers)

    assert len(set(asyncio.run(put_and_close()))) == 20
    assert not [thread for thread in threading.enumerate() if thread.name == "store"]
