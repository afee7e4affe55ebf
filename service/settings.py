"""What a station is told at its start: by options, else by environment variables named KENSA_*."""

from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from inspection.errors import ConfigError
from service.shifts import Shifts

Count = Annotated[int, Field(ge=1)]
_TIME = r"([01]\d|2[0-3]):[0-5]\d"


class ServiceSettings(BaseSettings):
    """All options of the service. Each is also an environment variable: KENSA_DATA, KENSA_PORT, ..."""

    model_config = SettingsConfigDict(env_prefix="KENSA_", frozen=True)

    data: Path
    """Directory of images and, unless `database_url` says otherwise, of the database."""
    bundle: Path | None = None
    """Directory of the bundle that judges; `migrate` needs none."""
    bundle_shelf: Path | None = None
    """Folder of bundles that can be promoted, one that all replicas and the nights see; default: below `data`."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    database_url: str | None = None
    database_password_file: Path | None = None
    """File with the password that `database_url` leaves out, as orchestrators hand over secrets."""
    images: str | None = None
    """URL of a bucket for images, s3://bucket/prefix; without one they lie below `data`."""
    upload_limit_mb: Count = 64
    queue_limit: Count = 64
    """How many images may wait to be judged; those beyond are held as overloaded."""
    scoring_threads: Count | None = None
    """Batches scored at a time. Default: one for each core, or one for a GPU."""
    batch_limit: Count | None = None
    """Images scored together. Default: 8 on a GPU, and 1 on a CPU, which gains nothing from more."""
    batch_deadline_ms: Annotated[float, Field(ge=0)] = 5.0
    """How long the first image of a batch waits for others that are being decoded."""
    judging_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    late_after_s: Annotated[float, Field(gt=0)] = 60.0
    """From when on an image that was taken that long ago counts as late."""
    database_patience_s: Annotated[float, Field(gt=0)] = 10.0
    """How long the database may take before a camera is told to try again."""
    upload_patience_s: Annotated[float, Field(gt=0)] = 30.0
    """How long a client may take to send a request."""
    watch_s: Annotated[float, Field(gt=0)] = 1.0
    """How often changes of profiles, the disk and the clock are looked at."""
    bundle_check_s: Annotated[float, Field(gt=0)] = 60.0
    """How often the files of bundles in use are compared with their digests."""
    disk_low_mb: Annotated[int, Field(ge=0)] = 2048
    """Free space below which an alarm is raised."""
    disk_reserve_mb: Annotated[int, Field(ge=0)] = 256
    """Free space that is kept for the record: below it images are not stored, and parts are held."""
    drift_false_alarms_a_month: Annotated[float, Field(gt=0, le=10)] = 0.1
    """What is promised of drift alarms, for each station."""
    factory: Path | None = None
    """TOML file of the plant's systems that are told of verdicts; without one nobody is."""
    nights: Path | None = None
    """TOML file of the lines and their nights; without one, a single line without a schedule."""
    oidc: Path | None = None
    """TOML file of the provider that people sign in at (OpenID Connect); without one, by password alone."""
    oidc_client_secret: SecretStr | None = None
    """The provider's secret for this service, where `oidc` names no file of it."""
    log_format: Literal["console", "json"] = "console"
    shift_starts: Annotated[str, Field(pattern=rf"^{_TIME}(,{_TIME})*$")] = "06:00,14:00,22:00"
    """When shifts begin, on the clock of `time_zone`: times of day in ascending order."""
    time_zone: str = "UTC"
    """The plant's own, as Asia/Tokyo."""

    @property
    def resolved_database_url(self) -> URL:
        """The database's address, with the driver this service is made for. Raises ConfigError."""
        if self.database_url is None:
            return URL.create("sqlite", database=str(self.data / "kensa.db"))
        try:
            url = make_url(self.database_url)
        except ArgumentError:
            raise ConfigError(
                "database_url: is no database address",
                "give one like postgresql://user@host/kensa or sqlite:////var/lib/kensa.db",
            ) from None
        dialect = url.get_backend_name()
        if dialect == "postgresql":
            password = url.password if self.database_password_file is None else _secret(self.database_password_file)
            return url.set(drivername="postgresql+psycopg", password=password)
        if dialect == "sqlite":
            return url
        raise ConfigError(f"database_url: {dialect} is not supported", "use postgresql or sqlite")

    @field_validator("shift_starts")
    @classmethod
    def _in_order(cls, starts: str) -> str:
        if starts.split(",") != sorted(set(starts.split(","))):
            raise ValueError(f"{starts} is not in ascending order")
        return starts

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name} is no time zone like Asia/Tokyo") from None

    @property
    def shifts(self) -> Shifts:
        """When the plant works."""
        starts = tuple(time.fromisoformat(start) for start in self.shift_starts.split(","))
        return Shifts(starts, ZoneInfo(self.time_zone))

    @property
    def image_directory(self) -> Path:
        return self.data / "images"

    @property
    def bundle_directory(self) -> Path:
        return self.bundle_shelf or self.data / "bundles"


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise ConfigError(
            f"database_password_file: {path}: {reason}", "give a file that the service may read"
        ) from None


def read_settings(**given: object) -> ServiceSettings:
    """Options that are not None win over the environment. Raises ConfigError naming the option."""
    options = {name: value for name, value in given.items() if value is not None}
    try:
        return ServiceSettings.model_validate(options)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        option = f"--{name.replace('_', '-')}"
        raise ConfigError(f"{name}: {fault['msg']}", f"give {option} or set KENSA_{name.upper()}") from None
