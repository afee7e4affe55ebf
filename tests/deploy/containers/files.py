"""The files that containers are made from, as data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from pretrain.__main__ import app as pretrain
from service.command import app as service
from tests.architecture.sources import ROOT

_PROGRAMS = {"pretrain": pretrain, "service": service}
KUBERNETES = ROOT / "deploy" / "kubernetes" / "service"
DOCKERFILES = sorted((ROOT / "deploy" / "docker").glob("*.Dockerfile"))


def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors merged."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def manifests() -> list[dict[str, Any]]:
    """Every object that the kustomization names, as written."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [part for name in listed for part in yaml.safe_load_all((KUBERNETES / name).read_text())]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """(instruction, arguments) of a Dockerfile, continued lines joined."""
    joined = dockerfile.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in lines)]


def exec_form(arguments: str) -> list[str]:
    """The words of an ENTRYPOINT or CMD; raises ValueError for the form that starts a shell."""
    words: list[str] = json.loads(re.sub(r"^.*?CMD\s+(?=\[)", "", arguments))
    return words


def help_of(words: list[str]) -> str:
    """What `python -m` with these words says of itself; raises AssertionError where it is no command of ours."""
    answer = CliRunner().invoke(_PROGRAMS[words[0]], [*words[1:], "--help"])
    assert answer.exit_code == 0, answer.output
    return answer.output
