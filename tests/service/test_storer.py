"""Images are stored off the event loop, and every put is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
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
        pairs = await asyncio.gather(*(storer.put(images[at : at + 2]) for at in range(0, len(images), 2)))
        return [name for pair in pairs for name in pair]

    names = asyncio.run(put_all())
    assert names == [sha256_of_bytes(image) for image in images]
    assert [store.get(name) for name in names] == images


def test_what_goes_wrong_is_the_answer_and_the_thread_goes_on(
    storer: Storer, store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_contents: Sequence[bytes]) -> list[str]:
        raise error

    async def put() -> list[str]:
        return await storer.put([b"an image"])

    for error in (StorageError("disk: is full", "free space"), MemoryError()) * 10:
        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(store, "put_all", fail)
            asyncio.run(put())
    assert asyncio.run(put()) == [sha256_of_bytes(b"an image")]


def test_without_room_nothing_is_written(store: LocalImageStore) -> None:
    def refuse() -> None:
        raise StorageError("disk: is full", "free space")

    storer = Storer(store, require_room=refuse)

    async def put() -> list[str]:
        return await storer.put([b"an image"])

    storer.start()
    with pytest.raises(StorageError, match="is full"):
        asyncio.run(put())
    storer.close()
    assert not store.directory.exists()


def test_closing_finishes_what_was_taken(store: LocalImageStore) -> None:
    storer = Storer(store)

    async def put_and_close() -> list[list[str]]:
        answers = [storer.put([f"image {number}".encode()]) for number in range(20)]
        storer.start()
        await asyncio.to_thread(storer.close)
        return await asyncio.gather(*answers)

    assert len({name for [name] in asyncio.run(put_and_close())}) == 20
    assert not [thread for thread in threading.enumerate() if thread.name == "store"]


def test_puts_that_wait_are_stored_together_and_a_bad_one_takes_nobody_with_it(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[list[bytes]] = []
    put_all = store.put_all

    def refuse_bad(contents: Sequence[bytes]) -> list[str]:
        groups.append(list(contents))
        if b"bad" in contents:
            raise StorageError("disk: is full", "free space")
        return put_all(contents)

    async def put_three() -> list[list[str] | BaseException]:
        storer = Storer(store)
        answers = [storer.put([content, b"map of " + content]) for content in (b"one", b"bad", b"two")]
        storer.start()
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        await asyncio.to_thread(storer.close)
        return outcomes

    monkeypatch.setattr(store, "put_all", refuse_bad)
    outcomes = asyncio.run(put_three())
    assert [len(group) for group in groups] == [6, 2, 2, 2]
    assert outcomes[0] == [sha256_of_bytes(b"one"), sha256_of_bytes(b"map of one")]
    assert isinstance(outcomes[1], StorageError)
    assert outcomes[2] == [sha256_of_bytes(b"two"), sha256_of_bytes(b"map of two")]
