"""Verdicts to a broker by MQTT 5 (OASIS, 2019), and announcements of the line from there."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote, unquote

import structlog
from aiomqtt import Client, Message, MqttError, ProtocolVersion, Will
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import ValidationError

from inspection.errors import ConfigError
from service.callers import lies_within
from service.factory.plan import MqttPlan, read_secret
from service.factory.receiver import Announce, NotTakenError
from service.factory.schemas import AnnouncementRequest, VerdictMessage

log = structlog.get_logger("kensa.factory")
# What the line announces while nobody sends waits at the broker for that long.
_SESSION_S = 7 * 24 * 3600


def topic_part(station: str) -> str:
    """A station's name as one level of a topic: /, + and # mean something else there."""
    return quote(station, safe="")


class MqttReceiver:
    """Published with QoS 1: the broker has confirmed each message before the next of its station goes out."""

    def __init__(self, plan: MqttPlan, announce: Announce) -> None:
        self.name = plan.name
        self._plan = plan
        self._announce = announce
        self._client: Client | None = None
        self._password = None
        if plan.password_file is not None:
            secret = read_secret(plan.password_file, "mqtt.password_file", kind="password")
            self._password = secret.decode("utf-8", "replace")
        self._tls = _tls_context(plan)

    def wants(self, station: str) -> bool:
        return lies_within(station, self._plan.stations)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Say `online`, which the broker takes back by our will if we vanish; beat, and listen where asked to."""
        status = f"{self._plan.topic}/status"
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = _SESSION_S
        client = Client(
            self._plan.host,
            self._plan.port,
            username=self._plan.username,
            password=self._password,
            identifier=f"kensa-{self._plan.topic.replace('/', '-')}",
            protocol=ProtocolVersion.V5,
            will=Will(status, b"offline", qos=1, retain=True),
            clean_start=not self._plan.announcements,
            properties=session,
            timeout=self._plan.timeout_s,
            tls_context=self._tls,
        )
        tasks: list[asyncio.Task[None]] = []
        try:
            async with client:
                self._client = client
                await client.publish(status, b"online", qos=1, retain=True)
                tasks.append(asyncio.create_task(self._beat(client)))
                if self._plan.announcements:
                    await client.subscribe(f"{self._plan.topic}/announcements/+", qos=1)
                    tasks.append(asyncio.create_task(self._listen(client)))
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                    # Where the connection was lost, our will says so.
                    with suppress(MqttError):
                        await client.publish(status, b"offline", qos=1, retain=True)
        except MqttError as error:
            raise NotTakenError(f"the broker {self._plan.host}:{self._plan.port}: {error}") from None
        finally:
            self._client = None

    async def deliver(self, message: VerdictMessage) -> bool:
        assert self._client is not None
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/json"
        properties.UserProperty = [("message-id", message.message_id), ("sequence", str(message.sequence))]
        topic = f"{self._plan.topic}/verdicts/{topic_part(message.station)}"
        try:
            await self._client.publish(topic, message.model_dump_json(), qos=1, properties=properties)
        except MqttError as error:
            raise NotTakenError(f"the broker did not confirm: {error}") from None
        return True

    async def _beat(self, client: Client) -> None:
        """A count that goes on as long as the sender does; a lost connection is noticed by whoever delivers."""
        beat = 0
        while True:
            beat += 1
            body = json.dumps({"beat": beat, "every_s": self._plan.heartbeat_s})
            try:
                await client.publish(f"{self._plan.topic}/heartbeat", body, qos=0)
            except MqttError:
                return
            await asyncio.sleep(self._plan.heartbeat_s)

    async def _listen(self, client: Client) -> None:
        try:
            async for message in client.messages:
                await self._hear(message)
        except MqttError:
            return

    async def _hear(self, message: Message) -> None:
        station = unquote(str(message.topic).rsplit("/", 1)[-1])
        payload = message.payload if isinstance(message.payload, bytes) else b""
        try:
            said = json.loads(payload)
            if not isinstance(said, dict):
                raise ValueError("is no object")
            request = AnnouncementRequest.model_validate({**said, "station": station})
        except (ValidationError, ValueError) as error:
            log.warning("announcement_refused", topic=str(message.topic), why=str(error).splitlines()[0])
            return
        await self._announce(request)


def _tls_context(plan: MqttPlan) -> ssl.SSLContext | None:
    """Raises ConfigError naming the key and the file."""
    if not plan.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=plan.ca_file)
    except OSError as error:
        remedy = "give the PEM file of whoever signed the broker's certificate"
        raise ConfigError(f"mqtt.ca_file: {plan.ca_file}: {_why(error)}", remedy) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if plan.certificate_file is None or plan.key_file is None:
        return context
    for name, path in (("certificate_file", plan.certificate_file), ("key_file", plan.key_file)):
        read_secret(path, f"mqtt.{name}", kind="password")
    try:
        # A key with a password would make OpenSSL ask at a terminal that nobody sits at.
        context.load_cert_chain(plan.certificate_file, plan.key_file, password=lambda: b"")
    except OSError as error:
        told = f"mqtt.certificate_file: {plan.certificate_file} and {plan.key_file}: {_why(error)}"
        raise ConfigError(told, "give PEM files of a certificate and its own key, without a password") from None
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)
