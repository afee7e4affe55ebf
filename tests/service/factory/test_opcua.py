"""A PLC, played by asyncua's own client, reads verdicts from our OPC UA server and tells it the lot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asyncua.client.client import Client
from fastapi.testclient import TestClient

from inspection.verdict import Verdict
from service.factory.opcua import NAMESPACE, VERDICT_CODES
from tests.service.camera import posted, runtime_of
from tests.service.factory.conftest import free_port, sending, until, waiting_counts

TellingStation = Callable[[str], TestClient]
FILE = """[opcua]
endpoint = 'opc.tcp://127.0.0.1:{}/kensa'
stations = ['press-3', 'press-4']
heartbeat_s = 0.02
announcements = true
"""


class Plc:
    """What a PLC sees of one station."""

    def __init__(self, client: Client, station: str = "press-3") -> None:
        self._client = client
        self._station = station

    async def node(self, name: str) -> Any:
        space = await self._client.get_namespace_index(NAMESPACE)
        path = [f"{space}:Kensa", *([f"{space}:{self._station}"] if name != "Heartbeat" else []), f"{space}:{name}"]
        return await self._client.nodes.objects.get_child(path)

    async def read(self, name: str) -> Any:
        return await (await self.node(name)).read_value()

    async def write(self, name: str, value: object) -> None:
        node = await self.node(name)
        await node.write_value(value, await node.read_data_type_as_variant_type())

    async def take(self, sequence: int) -> tuple[int, str]:
        """Wait for a verdict of that number, act on it, and say so."""

        async def is_there() -> bool:
            return bool(await self.read("Sequence") == sequence)

        await until(is_there, what=f"verdict {sequence}")
        seen = (await self.read("VerdictCode"), await self.read("PartId"))
        await self.write("Acknowledged", sequence)
        return seen


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What the outbox does on PostgreSQL is tested without protocols."""
    return f"sqlite:///{tmp_path / 'kensa.db'}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "factory.toml"


async def reach(address: str) -> Client:
    """Connected, once the server is there."""
    client = Client(address, timeout=5)

    async def answers() -> bool:
        try:
            await client.connect()
        except OSError:
            return False
        return True

    await until(answers, what="the server")
    return client


def test_a_plc_takes_every_verdict_in_order_over_its_own_absence(telling_station: TellingStation, file: Path) -> None:
    port = free_port()
    station = telling_station(FILE.format(port))
    database = runtime_of(station).database
    for number, spot in enumerate((0.0, 0.36, 0.9)):
        posted(station, number, spot=spot)

    async def play() -> tuple[list[tuple[int, str]], list[int]]:
        address = f"opc.tcp://127.0.0.1:{port}/kensa"
        async with sending(database, file):
            client = await reach(address)
            seen = [await Plc(client).take(1)]
            beats = [await Plc(client).read("Heartbeat")]
            await asyncio.sleep(0.1)
            beats.append(await Plc(client).read("Heartbeat"))
            await client.disconnect()
            await until(lambda: waiting_counts(database) == [2], what="the note")
        # The sender too was away: what nobody has acknowledged is shown again.
        async with sending(database, file):
            client = await reach(address)
            seen += [await Plc(client).take(number) for number in (2, 3)]
            await until(lambda: waiting_counts(database) == [0], what="the note")
            await client.disconnect()
        return seen, beats

    seen, beats = asyncio.run(play())
    assert seen == [(0, "part-0"), (1, "part-1"), (2, "part-2")]
    assert beats[1] > beats[0]
    assert [VERDICT_CODES[verdict] for verdict in (Verdict.PASS, Verdict.HOLD, Verdict.FAIL)] == [0, 1, 2]


def test_without_a_handshake_values_follow_and_numbers_tell(telling_station: TellingStation, file: Path) -> None:
    port = free_port()
    station = telling_station(FILE.format(port) + "handshake = false\n")
    database = runtime_of(station).database
    for number in range(4):
        posted(station, number)

    async def play() -> tuple[Any, Any]:
        async with sending(database, file):
            client = await reach(f"opc.tcp://127.0.0.1:{port}/kensa")
            await until(lambda: waiting_counts(database) == [0], what="all told")
            before = await Plc(client, "press-4").read("VerdictCode")
            after = await Plc(client).read("Sequence")
            await client.disconnect()
            return before, after

    assert asyncio.run(play()) == (-1, 4)


def test_a_plc_writes_the_lot(telling_station: TellingStation, file: Path) -> None:
    port = free_port()
    station = telling_station(FILE.format(port))

    async def play() -> None:
        async with sending(runtime_of(station).database, file):
            client = await reach(f"opc.tcp://127.0.0.1:{port}/kensa")
            await Plc(client).write("AnnouncedLot", "L12")

            def is_known() -> bool:
                found = station.get("/api/v1/audit").json()["items"]
                return any(one["action"] == "announcement" and one["detail"]["lot"] == "L12" for one in found)

            await until(is_known, what="the lot")
            await client.disconnect()

    asyncio.run(play())
    assert posted(station, 1)["lot"] == "L12"
