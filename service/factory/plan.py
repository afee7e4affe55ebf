"""The factory file: whom to tell, and by which ways the line tells us. Read once, when a process starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from inspection.config import Settings, read_toml
from inspection.errors import ConfigError
from service.callers import lies_within
from service.labels import Label

ReceiverName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
_LEAST_SECRET = 16


class WebhookPlan(Settings):
    """A program that takes verdicts by HTTP POST, signed with a secret that both know."""

    name: ReceiverName
    url: str
    secret_file: Path
    stations: Label = "*"
    """A station's name, `press-*` for all that begin so, `*` for every one."""
    timeout_s: Seconds = 10.0

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError("give an address like https://mes.plant/kensa")
        return url


class MqttPlan(Settings):
    """A broker (MQTT 5) that verdicts are published to, with QoS 1."""

    name: ReceiverName = "mqtt"
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    topic: Annotated[str, StringConstraints(pattern=r"^[^\x00#+\s/][^\x00#+\s]*[^\x00#+\s/]$")] = "kensa"
    """Below it: verdicts/STATION, heartbeat, status, and announcements/STATION for what comes in."""
    stations: Label = "*"
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    """Who vouches for the broker; without one, whom the machine trusts."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    """Our own, for a broker that asks its clients for one. PEM, the key without a password."""
    heartbeat_s: Seconds = 5.0
    timeout_s: Seconds = 10.0
    announcements: bool = False
    """Listen for lots and part numbers too."""

    @model_validator(mode="after")
    def _certificates_need_tls(self) -> "MqttPlan":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        given = [name for name in ("ca_file", "certificate_file") if getattr(self, name) is not None]
        if given and not self.tls:
            raise ValueError(f"{given[0]} is of no use without `tls = true`")
        return self


class OpcuaPlan(Settings):
    """An OPC UA server of our own, whose variables a PLC reads."""

    name: ReceiverName = "opcua"
    endpoint: Annotated[str, StringConstraints(pattern=r"^opc\.tcp://[^/\s]+:\d{1,5}(/\S*)?$")] = (
        "opc.tcp://127.0.0.1:4840/kensa"
    )
    stations: tuple[Label, ...]
    """By name: their variables are there from the start, before the first part."""
    handshake: bool = True
    """Show the next verdict only when the PLC has written the sequence number of the last one to Acknowledged."""
    heartbeat_s: Seconds = 1.0
    certificate_file: Path | None = None
    key_file: Path | None = None
    """With both, clients must sign and encrypt. The certificate's subjectAltName has the application's URI."""
    security: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "Basic256Sha256"
    """By which policy they sign and encrypt."""
    trusted_clients: Path | None = None
    """Folder of certificates: only their holders are let in. Without it, every client that has one at all."""
    announcements: bool = False
    """Let clients write Lot and PartNumber."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "OpcuaPlan":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if self.trusted_clients is not None and self.certificate_file is None:
            raise ValueError(
                "trusted_clients needs certificate_file and key_file: without them nobody shows who they are"
            )
        return self


class InboundPlan(Settings):
    """Announcements by HTTP: POST /api/v1/announcements, signed as our own webhooks are."""

    secret_file: Path


class FactoryPlan(Settings):
    """The whole file. An empty one keeps the outbox, for programs that fetch it by GET /api/v1/outbox."""

    webhooks: tuple[WebhookPlan, ...] = ()
    mqtt: MqttPlan | None = None
    opcua: OpcuaPlan | None = None
    inbound: InboundPlan | None = None
    keep_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long messages that everybody has are kept, for whoever asks again."""
    behind_after_s: Annotated[float, Field(gt=0)] = 300.0
    """From when on a message that was not taken raises the alarm."""

    @property
    def receiver_names(self) -> list[str]:
        """Of everybody who is told."""
        more = [plan.name for plan in (self.mqtt, self.opcua) if plan is not None]
        return [*(webhook.name for webhook in self.webhooks), *more]

    def wants_of(self, name: str) -> Callable[[str], bool]:
        """Whether a receiver is told of a station, by its name; of nothing where the plan does not know it."""
        if self.opcua is not None and name == self.opcua.name:
            return self.opcua.stations.__contains__
        scopes = {webhook.name: webhook.stations for webhook in self.webhooks}
        if self.mqtt is not None:
            scopes[self.mqtt.name] = self.mqtt.stations
        scope = scopes.get(name)
        return lambda station: scope is not None and lies_within(station, scope)

    @model_validator(mode="after")
    def _names_differ(self) -> "FactoryPlan":
        names = self.receiver_names
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two receivers are called {min(twice)}: give each a name of its own")
        return self


def read_plan(path: Path) -> FactoryPlan:
    """Raises ConfigError naming the file and the key, also for a secret that cannot be read."""
    plan = read_toml(path, FactoryPlan)
    for webhook in plan.webhooks:
        read_secret(webhook.secret_file, f"{path}: webhooks.{webhook.name}.secret_file")
    if plan.inbound is not None:
        read_secret(plan.inbound.secret_file, f"{path}: inbound.secret_file")
    return plan


def read_secret(path: Path, name: str, *, kind: Literal["secret", "password"] = "secret") -> bytes:
    """The file's content without the white space around it. Raises ConfigError."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{name}: {path}: {error.strerror}", "give a file that Kensa may read") from None
    if kind == "secret" and len(secret) < _LEAST_SECRET:
        raise ConfigError(
            f"{name}: {path}: is shorter than {_LEAST_SECRET} bytes", "make one: `openssl rand -hex 32 > FILE`"
        )
    return secret
