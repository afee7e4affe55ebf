"""What a station is told at its start: by options, else by environment variables named KENSA_*."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from inspection.errors import ConfigError

Count = Annotated[int, Field(ge=1)]


class ServiceSettings(BaseSettings):
    """All options of the service. Each is also an environment variable: KENSA_DATA, KENSA_PORT, ..."""

    model_config = SettingsConfigDict(env_prefix="KENSA_", frozen=True)

    data: Path
    """Directory of images and, unless `database_url` says otherwise, of the database."""
    bundle: Path | None = None
    """Directory of the bundle that judges; `migrate` needs none."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    database_url: str | None = None
    images: str | None = None
    """URL of a bucket for images, s3://bucket/prefix; without one they lie below `data`."""
    upload_limit_mb: Count = 64
    queue_limit: Count = 64
    """How many images may wait to be judged; those beyond are held as overloaded."""
    batch_limit: Count = 8
    batch_deadline_ms: Annotated[float, Field(ge=0)] = 5.0
    """How long the first image of a batch waits for others that are being decoded."""
    judging_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    log_format: Literal["console", "json"] = "console"

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
            return url.set(drivername="postgresql+psycopg")
        if dialect == "sqlite":
            return url
        raise ConfigError(f"database_url: {dialect} is not supported", "use postgresql or sqlite")

    @property
    def image_directory(self) -> Path:
        return self.data / "images"


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
