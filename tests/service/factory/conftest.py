"""Stations that tell the plant's systems, and the sender beside them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.db.engine import Database
from service.factory.operations import list_receivers
from service.factory.plan import read_plan
from service.factory.sender import Pace, make_receivers, send
from tests.service.conftest import MakeStation

SECRET = b"a secret that both of them know"
PACE = Pace(poll_s=0.01, lease_s=3.0, longest_pause_s=0.05)
MakeFile = Callable[[str], Path]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def factory_file(tmp_path: Path) -> MakeFile:
    """Write a factory file; SECRET in it becomes the path of a secret."""

    def make(text: str) -> Path:
        secret = tmp_path / "secret"
        secret.write_bytes(SECRET + b"\n")
        path = tmp_path / "factory.toml"
        path.write_text(text.replace("SECRET", str(secret)))
        return path

    return make


@pytest.fixture
def telling_station(make_station: MakeStation, factory_file: MakeFile) -> Callable[[str], TestClient]:
    """A station that keeps an outbox, by the text of its factory file."""
    return lambda text: make_station(factory=factory_file(text))


@asynccontextmanager
async def sending(database: Database, file: Path, pace: Pace = PACE) -> AsyncIterator[None]:
    """The sender, as `python -m service factory send` runs it."""
    plan = read_plan(file)
    task = asyncio.create_task(send(database, plan, make_receivers(database, plan), pace=pace))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], bool | Awaitable[bool]], *, what: str) -> None:
    """Wait for it, and fail where it does not come."""
    for _ in range(1500):
        answer = is_so()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came: {what}")


def is_failing(database: Database) -> bool:
    """Has a receiver been tried in vain?"""
    return any(one.failure for one in list_receivers(database).items)


def waiting_counts(database: Database) -> list[int]:
    """How many messages each receiver has not taken."""
    return [one.waiting_count for one in list_receivers(database).items]
