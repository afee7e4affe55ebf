"""A broker that speaks TLS and asks its clients who they are: the real mosquitto, with certificates of a test's own."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from fastapi.testclient import TestClient

from inspection.errors import ConfigError
from service.factory.mqtt import MqttReceiver
from service.factory.operations import list_receivers
from service.factory.plan import MqttPlan, read_plan
from tests.service.camera import posted, runtime_of
from tests.service.factory.certificates import Issued, issue
from tests.service.factory.conftest import free_port, is_failing, sending, until, waiting_counts
from tests.service.factory.test_mqtt import mosquitto, verdicts

__all__ = ["mosquitto"]
TellingStation = Callable[[str], TestClient]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kensa.db'}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("authority"), "plant", is_ca=True)


def file_of(port: int, authority: Issued, client: Issued | None) -> str:
    text = f"[mqtt]\nhost = '127.0.0.1'\nport = {port}\ntls = true\nca_file = '{authority.certificate_file}'\n"
    if client is not None:
        text += f"certificate_file = '{client.certificate_file}'\nkey_file = '{client.key_file}'\n"
    return text


def context_of(authority: Issued, client: Issued) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.certificate_file)
    context.load_cert_chain(client.certificate_file, client.key_file)
    return context


@asynccontextmanager
async def broker(program: str, port: int, folder: Path, authority: Issued) -> AsyncIterator[aiomqtt.Client]:
    """With a program of the plant beside it."""
    own, mes = issue(folder, "broker", by=authority), issue(folder, "mes", by=authority)
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"cafile {authority.certificate_file}",
        f"certfile {own.certificate_file}",
        f"keyfile {own.key_file}",
        "require_certificate true",
        "use_identity_as_username true",
        *(["user root"] if os.getuid() == 0 else []),
    ]
    (folder / "tls.conf").write_text("\n".join(lines) + "\n")
    server = subprocess.Popen(
        [program, "-c", str(folder / "tls.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def client() -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1", port, identifier="mes", protocol=ProtocolVersion.V5, tls_context=context_of(authority, mes)
        )

    async def answers() -> bool:
        try:
            async with client():
                return True
        except aiomqtt.MqttError:
            return False

    try:
        await until(answers, what="the broker")
        async with client() as listening:
            await listening.subscribe("kensa/verdicts/#", qos=1)
            yield listening
    finally:
        server.terminate()
        server.wait(10)


def test_verdicts_go_to_a_broker_that_asks_for_a_certificate(
    telling_station: TellingStation, mosquitto: str, tmp_path: Path, authority: Issued
) -> None:
    port = free_port()
    station = telling_station(file_of(port, authority, issue(tmp_path, "kensa", by=authority)))
    database = runtime_of(station).database
    posted(station, "one")

    async def play() -> list[str]:
        async with (
            broker(mosquitto, port, tmp_path, authority) as mes,
            sending(database, tmp_path / "factory.toml"),
        ):
            return [one["trigger_id"] for one in await verdicts(mes, 1)]

    assert asyncio.run(play()) == ["one"]


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", ["no certificate", "another authority"])
def test_without_the_right_papers_nothing_is_sent_and_nothing_is_lost(
    telling_station: TellingStation, mosquitto: str, tmp_path: Path, authority: Issued, way: str
) -> None:
    port = free_port()
    stranger = issue(tmp_path, "stranger", is_ca=True)
    text = (
        file_of(port, authority, None)
        if way == "no certificate"
        else file_of(port, stranger, issue(tmp_path, "kensa", by=authority))
    )
    station = telling_station(text)
    database = runtime_of(station).database
    posted(station, "one")

    async def play() -> None:
        async with (
            broker(mosquitto, port, tmp_path, authority),
            sending(database, tmp_path / "factory.toml"),
        ):
            await until(lambda: is_failing(database), what="the refusal")

    asyncio.run(play())
    assert waiting_counts(database) == [1]
    [failure] = [one.failure for one in list_receivers(database).items]
    assert failure is not None
    assert f"127.0.0.1:{port}" in failure


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ca_file": "absent.pem"}, "mqtt.ca_file: .*absent.pem: No such file"),
        ({"ca_file": "nonsense"}, "mqtt.ca_file: .*nonsense"),
        ({"key_file": "absent.pem"}, "mqtt.key_file: .*absent.pem: No such file"),
        ({"key_file": "stranger-key.pem"}, "mqtt.certificate_file: .*key values mismatch"),
        ({"certificate_file": "nonsense"}, "mqtt.certificate_file: .*nonsense"),
    ],
)
def test_files_that_do_not_fit_are_told_by_their_key(
    tmp_path: Path, authority: Issued, change: dict[str, str], said: str
) -> None:
    own = issue(tmp_path, "kensa", by=authority)
    issue(tmp_path, "stranger")
    (tmp_path / "nonsense").write_text("nonsense\n")
    files = {
        "ca_file": authority.certificate_file,
        "certificate_file": own.certificate_file,
        "key_file": own.key_file,
    } | {name: tmp_path / path for name, path in change.items()}

    async def announce(_request: object) -> None:
        raise AssertionError("nobody announces here")

    with pytest.raises(ConfigError, match=said):
        MqttReceiver(MqttPlan(host="broker", tls=True, **files), announce)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ca_file = 'plant.pem'", "ca_file is of no use without `tls = true`"),
        ("tls = true\ncertificate_file = 'kensa.pem'", "certificate_file and key_file go together"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "factory.toml").write_text(f"[mqtt]\nhost = 'broker'\n{text}\n")
    with pytest.raises(ConfigError, match=said):
        read_plan(tmp_path / "factory.toml")
