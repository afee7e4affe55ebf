"""The images: small, of known parts, without root, and they start what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.settings import ServiceSettings
from tests.architecture.sources import ROOT
from tests.deploy.containers.files import DOCKERFILES, exec_form, help_of, instructions

EACH = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)


def of_kind(path: Path, kind: str) -> list[str]:
    return [arguments for word, arguments in instructions(path) if word == kind]


def test_there_are_images() -> None:
    assert [path.stem for path in DOCKERFILES] == ["service", "trainer"]


@EACH
def test_bases_are_pinned_and_nothing_is_fetched_by_name(path: Path) -> None:
    bases = [words.split()[0] for words in of_kind(path, "FROM")]
    assert bases
    assert [base for base in bases if not re.search(r":\d+\.\d+[\w.-]*$", base)] == []
    assert of_kind(path, "ADD") == []
    assert "--constraint requirements.lock" in " ".join(of_kind(path, "RUN"))


@EACH
def test_it_runs_as_a_user_by_number(path: Path) -> None:
    after_last_from = path.read_text().rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", after_last_from, re.MULTILINE) == ["10001:10001"]


@EACH
def test_what_it_copies_is_there_and_gets_through_dockerignore(path: Path) -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [
        source for words in of_kind(path, "COPY") if not words.startswith("--from") for source in words.split()[:-1]
    ]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists() or source.lstrip("./") not in admitted] == []


def test_the_station_image_has_no_training_side() -> None:
    (service,) = [path for path in DOCKERFILES if path.stem == "service"]
    copied = " ".join(of_kind(service, "COPY"))
    assert "pretrain" not in copied
    assert "distill" not in copied
    assert "'.[service]'" in " ".join(of_kind(service, "RUN"))


@EACH
def test_what_it_starts_is_a_program_of_ours(path: Path) -> None:
    (entry,), (command,) = of_kind(path, "ENTRYPOINT"), of_kind(path, "CMD")
    words = [*exec_form(entry), *exec_form(command)]
    assert words[:2] == ["python", "-m"]
    assert "Usage" in help_of([word for word in words[2:] if word != "--help"])


@EACH
def test_its_settings_are_settings_of_ours(path: Path) -> None:
    names = {name for words in of_kind(path, "ENV") for name in re.findall(r"\bKENSA_(\w+)=", words)}
    assert {name.lower() for name in names} <= set(ServiceSettings.model_fields)


def test_the_health_check_asks_what_the_service_answers() -> None:
    (service,) = [path for path in DOCKERFILES if path.stem == "service"]
    (check,) = of_kind(service, "HEALTHCHECK")
    assert exec_form(check)[:2] == ["python", "-c"]
    assert "127.0.0.1:8080/health/ready" in check
    assert of_kind(service, "EXPOSE") == ["8080"]
