"""Verdicts through a real broker, mosquitto. No in-process broker from PyPI speaks MQTT 5 today."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from fastapi.testclient import TestClient
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from service.factory.mqtt import topic_part
from tests.service.camera import posted, runtime_of
from tests.service.factory.conftest import free_port, is_failing, sending, until

TellingStation = Callable[[str], TestClient]
PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
FILE = "[mqtt]\nhost = '127.0.0.1'\nport = {}\ntopic = 'plant/kensa'\nheartbeat_s = 0.05\nannouncements = true\n"


@pytest.fixture
def mosquitto() -> str:
    """The broker's program. Skips where there is none, but fails in CI (CI=true)."""
    found = shutil.which("mosquitto", path=PLACES)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no mosquitto; CI must not skip the broker's tests (apt-get install mosquitto)")
    if found is None:
        pytest.skip("no mosquitto (apt-get install mosquitto)")
    return found


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What the outbox does on PostgreSQL is tested without protocols."""
    return f"sqlite:///{tmp_path / 'kensa.db'}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "factory.toml"


def client_of(port: int, name: str) -> aiomqtt.Client:
    """A program of the plant, for which the broker keeps what comes while it is away."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    return aiomqtt.Client(
        "127.0.0.1", port, identifier=name, protocol=ProtocolVersion.V5, clean_start=False, properties=properties
    )


async def answers(port: int) -> bool:
    try:
        async with client_of(port, "probe"):
            return True
    except aiomqtt.MqttError:
        return False


@asynccontextmanager
async def broker(program: str, port: int, folder: Path) -> AsyncIterator[None]:
    """It keeps sessions over its own restart, as a plant's broker does."""
    file = folder / "mosquitto.conf"
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
    ]
    file.write_text("\n".join([*lines, *(["user root"] if os.getuid() == 0 else [])]) + "\n")
    server = subprocess.Popen([program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await until(lambda: answers(port), what="the broker")
        yield
    finally:
        server.terminate()
        server.wait(10)


async def verdicts(client: aiomqtt.Client, count: int) -> list[dict[str, Any]]:
    """The next ones that come, with the names they came under."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            properties = dict(message.properties.UserProperty) if message.properties else {}
            found.append(json.loads(message.payload) | {"topic": str(message.topic), "as_sent": properties})
            if len(found) == count:
                break
    return found


def test_nothing_is_lost_over_an_absence_of_the_broker(
    telling_station: TellingStation, mosquitto: str, file: Path, tmp_path: Path
) -> None:
    port = free_port()
    station = telling_station(FILE.format(port))
    database = runtime_of(station).database
    for number in range(5):
        posted(station, number)

    async def play() -> list[dict[str, Any]]:
        async with broker(mosquitto, port, tmp_path), client_of(port, "mes") as mes:
            await mes.subscribe("plant/kensa/verdicts/#", qos=1)
        async with sending(database, file):
            await until(lambda: is_failing(database), what="a failure")
            async with broker(mosquitto, port, tmp_path), client_of(port, "mes") as mes:
                first = await verdicts(mes, 5)
            posted(station, 5)
            async with broker(mosquitto, port, tmp_path), client_of(port, "mes") as mes:
                return first + await verdicts(mes, 1)

    found = asyncio.run(play())
    assert [message["sequence"] for message in found] == [1, 2, 3, 4, 5, 6]
    assert found[0]["as_sent"] == {"message-id": found[0]["message_id"], "sequence": "1"}
    assert {message["topic"] for message in found} == {"plant/kensa/verdicts/press-3"}


def test_a_stale_value_shows(telling_station: TellingStation, mosquitto: str, file: Path, tmp_path: Path) -> None:
    port = free_port()
    station = telling_station(FILE.format(port))

    async def play() -> tuple[list[int], list[str]]:
        beats: list[int] = []
        statuses: list[str] = []
        async with broker(mosquitto, port, tmp_path), client_of(port, "scada") as scada:
            await scada.subscribe([("plant/kensa/heartbeat", 0), ("plant/kensa/status", 1)])
            sender = sending(runtime_of(station).database, file)
            async with sender:
                async for message in scada.messages:
                    assert isinstance(message.payload, bytes)
                    if str(message.topic).endswith("status"):
                        statuses.append(message.payload.decode())
                    else:
                        beats.append(json.loads(message.payload)["beat"])
                    if len(beats) == 3:
                        break
            async for message in scada.messages:
                if str(message.topic).endswith("status"):
                    assert isinstance(message.payload, bytes)
                    statuses.append(message.payload.decode())
                    break
        return beats, statuses

    beats, statuses = asyncio.run(asyncio.wait_for(play(), 20))
    assert beats == [1, 2, 3]
    assert statuses == ["online", "offline"]


def test_the_line_announces_its_lot_by_the_broker(
    telling_station: TellingStation, mosquitto: str, file: Path, tmp_path: Path
) -> None:
    port = free_port()
    station = telling_station(FILE.format(port))
    said = {"station/a": {"lot": "L9", "part_number": "KN-40"}, "press-4": {"lots": "L9"}, "press-5": ["L9"]}

    async def play() -> None:
        async with broker(mosquitto, port, tmp_path), client_of(port, "line") as line:
            async with sending(runtime_of(station).database, file):
                for name, body in said.items():
                    topic = f"plant/kensa/announcements/{topic_part(name)}"
                    await line.publish(topic, json.dumps(body), qos=1, retain=True)
                await until(lambda: lots_known(station), what="the lot")
            # What comes while nobody sends waits at the broker.
            await line.publish("plant/kensa/announcements/press-3", json.dumps({"lot": "L10"}), qos=1)
            async with sending(runtime_of(station).database, file):
                await until(lambda: lots_known(station, "press-3", "L10"), what="the lot of the absence")

    asyncio.run(play())
    assert posted(station, 1, station="station/a")["lot"] == "L9"
    assert posted(station, 2, station="press-4")["lot"] is None
    assert posted(station, 3)["lot"] == "L10"


def lots_known(client: TestClient, station: str = "station/a", lot: str = "L9") -> bool:
    found = client.get("/api/v1/audit").json()["items"]
    subject = f"station {station}"
    return any(one["subject"] == subject and one["detail"].get("lot") == lot for one in found)
