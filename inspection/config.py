"""TOML files checked against pydantic models: an unknown key is refused by its dotted name."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from inspection.errors import ConfigError


class Settings(BaseModel):
    """Base of everything read from a file: no unknown keys, no change after reading, no NaN where a number is due."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def sha256(self) -> str:
        """Digest of the values, whatever the file they came from looked like."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, model: type[Model]) -> Model:
    """Read `path` into `model`; raises ConfigError naming the file and the dotted key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file", "give the path of a TOML file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}", "mend the file's TOML") from None
    return validate(values, model, source=str(path))


def read_shipped_toml(name_or_path: str, shipped: Path, model: type[Model], *, kind: str = "recipe") -> Model:
    """One of the files in the folder `shipped` by its name, or any .toml file by its path. Raises ConfigError.

    `kind` is what an error calls them.
    """
    if name_or_path.endswith(".toml"):
        return read_toml(Path(name_or_path), model)
    names = shipped_names(shipped)
    if name_or_path not in names:
        raise ConfigError(
            f"{kind} {name_or_path}: no such {kind}", f"give one of {', '.join(names)}, or the path of a .toml file"
        )
    return read_toml(shipped / f"{name_or_path}.toml", model)


def shipped_names(shipped: Path) -> list[str]:
    """Names of the files that come with Kensa in the folder `shipped`."""
    return sorted(path.stem for path in shipped.glob("*.toml"))


def validate(values: object, model: type[Model], *, source: str) -> Model:
    """Check plain values against `model`; raises ConfigError with the first fault in one line."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_first_fault(error)}", _remedy(error)) from None


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key}"
    if fault["type"] == "missing":
        return f"key {key} is missing"
    if isinstance(fault["input"], dict):
        # Values that do not go together: the message names them, the whole section would bury it.
        return f"{key}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{key} = {fault['input']!r}: {fault['msg']}"


def _remedy(error: ValidationError) -> str:
    count = error.error_count()
    rest = f" ({count - 1} more like it)" if count > 1 else ""
    remedies = {"extra_forbidden": "remove the key or correct its spelling", "missing": "add the key"}
    return remedies.get(error.errors(include_url=False)[0]["type"], "correct the value") + rest
