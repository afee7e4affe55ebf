"""The sender and a real receiver of webhooks: in order, at least once, and nothing lost however long it is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.factory import operations
from service.factory.receiver import Pauses
from service.factory.signing import find_fault
from tests.service.camera import posted, runtime_of
from tests.service.factory.conftest import PACE, SECRET, free_port, is_failing, sending, until, waiting_counts
from tests.service.factory.webhook_server import Mes, run_mes

TellingStation = Callable[[str], TestClient]
FILE = "[[webhooks]]\nname = 'mes'\nsecret_file = 'SECRET'\nurl = '{}'\ntimeout_s = 5\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "factory.toml"


def sequences(mes: Mes, station: str = "press-3") -> list[int]:
    return [body["sequence"] for body in mes.taken if body["station"] == station]


def test_a_receiver_that_was_away_misses_nothing(telling_station: TellingStation, file: Path) -> None:
    mes, port = Mes(), free_port()
    station = telling_station(FILE.format(f"http://127.0.0.1:{port}/kensa"))
    database = runtime_of(station).database
    for number in range(30):
        posted(station, number)

    async def play() -> None:
        async with sending(database, file):
            await until(lambda: is_failing(database), what="a failure")
            with run_mes(mes, port):
                await until(lambda: len(mes.taken) == 30, what="all thirty")
            posted(station, 30)
            with run_mes(mes, port):
                await until(lambda: len(mes.taken) == 31, what="the one of the second absence")
                await until(lambda: waiting_counts(database) == [0], what="the note")

    asyncio.run(play())
    assert sequences(mes) == list(range(1, 32))
    [receiver] = operations.list_receivers(database).items
    assert (receiver.waiting_count, receiver.failure) == (0, None)
    for headers, body in mes.requests:
        assert find_fault(headers["Kensa-Signature"], SECRET, body, now_s=_signed_at(headers)) is None
        assert headers["Kensa-Message-Id"] in body.decode()


def _signed_at(headers: dict[str, str]) -> float:
    return float(headers["Kensa-Signature"].split(",")[0].removeprefix("t="))


def test_what_is_refused_holds_up_its_own_station_only(telling_station: TellingStation, file: Path) -> None:
    mes = Mes()
    refused = Counter[int]()

    def answer(body: dict[str, Any]) -> int:
        if body["station"] == "press-3" and body["sequence"] == 2 and refused[2] < 3:
            refused[2] += 1
            return 422
        return 200

    mes.answer = answer
    with run_mes(mes) as address:
        station = telling_station(FILE.format(address))
        for number in range(4):
            posted(station, number)
            posted(station, f"x{number}", station="press-4")

        async def play() -> None:
            async with sending(runtime_of(station).database, file):
                await until(lambda: len(mes.taken) == 8, what="all eight")

        asyncio.run(play())
    assert sequences(mes) == sequences(mes, "press-4") == [1, 2, 3, 4]
    refusals = [index for index, (headers, _) in enumerate(mes.requests) if headers["answered"] == "422"]
    others = [index for index, (_, body) in enumerate(mes.requests) if b'"press-4"' in body]
    assert len(refusals) == 3
    assert max(others) < refusals[-1]


def test_a_message_that_was_taken_but_not_noted_comes_again_under_the_same_name(
    telling_station: TellingStation, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mes = Mes()
    with run_mes(mes) as address:
        station = telling_station(FILE.format(address))
        database = runtime_of(station).database
        posted(station, 1)

        async def play() -> None:
            with monkeypatch.context() as patch:
                patch.setattr(operations, "mark_taken", lambda *_: None)
                async with sending(database, file):
                    await until(lambda: len(mes.taken) >= 1, what="the first time")
            async with sending(database, file):
                before = len(mes.taken)
                await until(lambda: len(mes.taken) > before, what="the second time")
                await until(lambda: waiting_counts(database) == [0], what="the note")

        asyncio.run(play())
    assert len({body["message_id"] for body in mes.taken}) == 1


def test_a_second_sender_stands_by(
    telling_station: TellingStation, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mes = Mes()
    with run_mes(mes) as address:
        station = telling_station(FILE.format(address))
        database = runtime_of(station).database
        assert operations.take_lease(database, "another machine", lasts_s=1.0)
        posted(station, 1)

        async def play() -> int:
            async with sending(database, file):
                await asyncio.sleep(0.2)
                early = len(mes.taken)
                await until(lambda: len(mes.taken) == 1, what="its turn")
            return early

        assert asyncio.run(play()) == 0
    assert operations.list_receivers(database).sender is None


def test_only_the_stations_that_are_asked_for_are_told(telling_station: TellingStation, file: Path) -> None:
    mes = Mes()
    with run_mes(mes) as address:
        station = telling_station(FILE.format(address) + "stations = 'press-*'\n")
        posted(station, 1, station="oven-1")
        posted(station, 2)

        async def play() -> None:
            async with sending(runtime_of(station).database, file):
                await until(lambda: len(mes.taken) == 1, what="that of the press")
                await asyncio.sleep(5 * PACE.poll_s)

        asyncio.run(play())
    assert [body["station"] for body in mes.taken] == ["press-3"]


def test_pauses_grow_to_their_limit_and_begin_anew() -> None:
    pauses = Pauses(first_s=1.0, longest_s=10.0, chance=lambda: 1.0)
    assert [pauses.after_failure() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    pauses.after_success()
    assert pauses.after_failure() == 1.0
    least = Pauses(first_s=1.0, longest_s=10.0, chance=lambda: 0.0)
    assert [least.after_failure() for _ in range(3)] == [0.5, 1.0, 2.0]
