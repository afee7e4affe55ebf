"""OPC UA with certificates: asyncua's own client signs, encrypts, and is let in only where it is known."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from fastapi.testclient import TestClient

from inspection.errors import ConfigError
from service.factory.opcua_security import read_security
from service.factory.plan import OpcuaPlan
from tests.service.camera import posted, runtime_of
from tests.service.factory.certificates import Issued, issue
from tests.service.factory.conftest import free_port, sending
from tests.service.factory.test_opcua import Plc

TellingStation = Callable[[str], TestClient]
URI = "urn:plant:kensa"
CLIENT_URI = "urn:plant:plc"
POLICIES = {
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": SecurityPolicyAes256Sha256RsaPss,
}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kensa.db'}"


def file_of(port: int, own: Issued, *, security: str = "Basic256Sha256", clients: Path | None = None) -> str:
    text = f"[opcua]\nendpoint = 'opc.tcp://127.0.0.1:{port}/kensa'\nstations = ['press-3']\nsecurity = '{security}'\n"
    text += f"certificate_file = '{own.certificate_file}'\nkey_file = '{own.key_file}'\n"
    return text + ("" if clients is None else f"trusted_clients = '{clients}'\n")


async def client_of(port: int, mine: Issued, server: Issued, policy: str = "Basic256Sha256") -> Client:
    client = Client(f"opc.tcp://127.0.0.1:{port}/kensa", timeout=10)
    client.application_uri = CLIENT_URI
    await client.set_security(
        POLICIES[policy], mine.certificate_file, mine.key_file, server_certificate=server.certificate_file
    )
    return client


async def connect_when_there(make: Callable[[], Client]) -> Client:
    """The server comes up with the sender."""
    for _ in range(300):
        client = make()
        try:
            await client.connect()
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return client
    raise AssertionError("the server never came")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_known_client_reads_what_is_signed_and_encrypted(
    telling_station: TellingStation, tmp_path: Path, policy: str
) -> None:
    port, own, plc = free_port(), issue(tmp_path, "kensa", uri=URI), issue(tmp_path, "plc", uri=CLIENT_URI)
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "plc.pem").write_bytes(plc.certificate_file.read_bytes())
    station = telling_station(file_of(port, own, security=policy, clients=tmp_path / "clients"))
    posted(station, "one", station="press-3")

    async def play() -> tuple[int, str]:
        async with sending(runtime_of(station).database, tmp_path / "factory.toml"):
            ready = await client_of(port, plc, own, policy)
            client = await connect_when_there(lambda: ready)
            try:
                return await Plc(client).take(1)
            finally:
                await client.disconnect()

    assert asyncio.run(play())[0] == 0


def test_strangers_and_whoever_will_not_encrypt_are_refused(telling_station: TellingStation, tmp_path: Path) -> None:
    port, own, plc = free_port(), issue(tmp_path, "kensa", uri=URI), issue(tmp_path, "plc", uri=CLIENT_URI)
    stranger = issue(tmp_path, "stranger", uri=CLIENT_URI)
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "plc.pem").write_bytes(plc.certificate_file.read_bytes())
    station = telling_station(file_of(port, own, clients=tmp_path / "clients"))

    async def play() -> list[str]:
        refused = []
        async with sending(runtime_of(station).database, tmp_path / "factory.toml"):
            known = await client_of(port, plc, own)
            await (await connect_when_there(lambda: known)).disconnect()
            for client in (
                await client_of(port, stranger, own),
                Client(f"opc.tcp://127.0.0.1:{port}/kensa", timeout=5),
            ):
                try:
                    await client.connect()
                except (ua.UaError, ConnectionError, TimeoutError, asyncio.CancelledError) as error:
                    refused.append(type(error).__name__)
                else:
                    await client.disconnect()
        return refused

    assert len(asyncio.run(play())) == 2


def refusal(tmp_path: Path, **files: object) -> str:
    own = issue(tmp_path, "own", uri=URI)
    given = {"certificate_file": own.certificate_file, "key_file": own.key_file} | files
    with pytest.raises(ConfigError) as told:
        read_security(OpcuaPlan(stations=("press-3",), **given))  # type: ignore[arg-type]
    return str(told.value)


def test_files_that_do_not_fit_are_told_by_their_key(tmp_path: Path) -> None:
    assert re.search(
        r"opcua.certificate_file: .*absent: No such file", refusal(tmp_path, certificate_file=tmp_path / "absent")
    )
    other = issue(tmp_path, "other", uri=URI)
    assert re.search(r"opcua.key_file: .*does not belong to", refusal(tmp_path, key_file=other.key_file))
    assert re.search(r"opcua.key_file: .*is no private key", refusal(tmp_path, key_file=other.certificate_file))
    assert re.search(r"opcua.certificate_file: .*is no certificate", refusal(tmp_path, certificate_file=other.key_file))
    nameless = issue(tmp_path, "nameless")
    named = {"certificate_file": nameless.certificate_file, "key_file": nameless.key_file}
    assert re.search(r"names no application", refusal(tmp_path, **named))
    old = issue(tmp_path, "old", uri=URI, days=-1)
    assert re.search(
        r"has been invalid since", refusal(tmp_path, certificate_file=old.certificate_file, key_file=old.key_file)
    )
    (tmp_path / "nobody").mkdir()
    assert re.search(
        r"opcua.trusted_clients: .*holds no certificate", refusal(tmp_path, trusted_clients=tmp_path / "nobody")
    )
    assert re.search(r"opcua.trusted_clients: .*is no folder", refusal(tmp_path, trusted_clients=tmp_path / "absent"))


def test_trusted_clients_need_a_certificate_of_our_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trusted_clients needs certificate_file"):
        OpcuaPlan(stations=("press-3",), trusted_clients=tmp_path)
    assert read_security(OpcuaPlan(stations=("press-3",))) is None
