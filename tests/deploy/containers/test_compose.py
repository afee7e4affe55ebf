"""docker-compose.yml: hardened, gated by health, with no secret in it, and of things that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.errors import ConfigError
from service.settings import ServiceSettings, read_settings
from tests.architecture.sources import ROOT
from tests.deploy.containers.files import compose, help_of

PARTS = compose()["services"]
EACH = pytest.mark.parametrize("name", sorted(PARTS))
MAKE_SECRETS = ROOT / "deploy" / "docker" / "make_secrets.py"


def paths_of(part: dict[str, Any]) -> list[str]:
    """Files of the project that a part is given or built from."""
    mounted = [volume.split(":")[0] for volume in part.get("volumes", []) if volume.startswith("./")]
    build = part.get("build", {})
    return [*mounted, *([build["dockerfile"], build["context"]] if build else [])]


def test_all_parts_are_there() -> None:
    assert set(PARTS) == {"postgres", "migrate", "service", "proxy", "prometheus", "sender", "nights", "trainer"}


@EACH
def test_each_part_is_hardened(name: str) -> None:
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert int(part["user"].split(":")[0]) > 0
    assert "privileged" not in part


@EACH
def test_each_part_tells_its_health_or_ends_by_itself(name: str) -> None:
    part = PARTS[name]
    if part["restart"] == "no":
        assert part["healthcheck"] == {"disable": True}
    else:
        assert part["healthcheck"]["test"][0] == "CMD"


@EACH
def test_images_are_pinned(name: str) -> None:
    assert re.search(r":v?\d+\.\d+[\w.-]*$", PARTS[name]["image"])


@EACH
def test_files_are_there(name: str) -> None:
    assert [path for path in paths_of(PARTS[name]) if not (ROOT / path).exists()] == []


def test_nothing_starts_before_what_it_needs() -> None:
    needs = {
        name: {one: how["condition"] for one, how in part.get("depends_on", {}).items()} for name, part in PARTS.items()
    }
    assert needs["migrate"] == {"postgres": "service_healthy"}
    assert needs["service"] == {"postgres": "service_healthy", "migrate": "service_completed_successfully"}
    assert needs["proxy"] == {"service": "service_healthy"}


def test_only_the_proxy_is_reached_from_outside() -> None:
    opened = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    assert set(opened) == {"proxy", "prometheus", "sender"}
    # PLCs reach the sender as far as the plant says; without a word, nobody outside this machine does.
    assert opened["sender"] == ["${KENSA_OPCUA:-127.0.0.1:4840}:4840"]
    assert opened["prometheus"] == ["127.0.0.1:9090:9090"]
    assert compose()["networks"]["inner"]["internal"] is True
    assert PARTS["service"]["networks"] == ["inner"]
    assert PARTS["trainer"]["network_mode"] == "none"
    assert [PARTS[name]["profiles"] for name in ("trainer", "nights", "sender")] == [["gpu"], ["nights"], ["factory"]]
    assert PARTS["nights"]["networks"] == ["inner"]


@pytest.mark.parametrize("name", ["migrate", "service", "sender", "nights"])
def test_settings_are_settings_of_ours(name: str) -> None:
    given = {key: text for key, text in PARTS[name]["environment"].items() if key.startswith("KENSA_")}
    fields = {key.removeprefix("KENSA_").lower() for key in given}
    assert fields <= set(ServiceSettings.model_fields)


@pytest.mark.parametrize(
    ("name", "program"),
    [*((name, ["service"]) for name in ("migrate", "service", "sender", "nights")), ("trainer", [])],
)
def test_commands_are_commands_of_ours(name: str, program: list[str]) -> None:
    words = [*program, *PARTS[name]["command"]]
    known = 3 if words[1] == "factory" else 2
    said = help_of(words[:known])
    assert [word for word in words if word.startswith("--") and word not in said] == []


def test_secrets_have_no_default_and_are_what_the_script_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(MAKE_SECRETS), str(tmp_path), "--host", "10.0.0.7"], check=True)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    secrets = compose()["secrets"]
    for secret in secrets.values():
        place, _, name = secret["file"].rpartition("/")
        assert re.fullmatch(r"\$\{KENSA_SECRETS:\?.*\}", place)
        assert (tmp_path / name).stat().st_size > 20
    asked = {name for part in PARTS.values() for name in part.get("secrets", [])}
    assert asked == set(secrets)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    subprocess.run([sys.executable, str(MAKE_SECRETS), str(tmp_path)], check=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_service_reads_the_password_that_its_url_leaves_out(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open:sesame/\n")
    settings = read_settings(
        data=tmp_path,
        database_url=PARTS["service"]["environment"]["KENSA_DATABASE_URL"],
        database_password_file=password,
    )
    url = settings.resolved_database_url
    assert (url.password, url.host, url.username) == ("open:sesame/", "postgres", "kensa")
    password.unlink()
    with pytest.raises(ConfigError, match=r"database_password_file: .*No such file"):
        _ = settings.resolved_database_url


def test_the_proxy_is_told_all_it_asks_for() -> None:
    asked = set(re.findall(r"\{\$(\w+)\}", (ROOT / "deploy" / "proxy" / "Caddyfile").read_text()))
    assert asked
    assert asked <= set(PARTS["proxy"]["environment"])
    assert httpx.URL(f"http://{PARTS['proxy']['environment']['KENSA_UPSTREAM']}").port == 8080


@pytest.mark.parametrize("name", ["sender", "nights"])
def test_a_health_check_asks_a_command_that_reads_the_database(name: str) -> None:
    _, python, module, *words = PARTS[name]["healthcheck"]["test"]
    assert (python, module, words[0]) == ("python", "-m", "service")
    assert "--database-url" in help_of(words)


def test_nights_have_both_sides_and_the_record() -> None:
    nights, service = PARTS["nights"], PARTS["service"]
    assert nights["build"] == PARTS["trainer"]["build"]
    assert (nights["volumes"], nights["environment"]) == (service["volumes"], service["environment"])
    assert nights["entrypoint"] == ["python", "-m", "service"]
    installed = (ROOT / nights["build"]["dockerfile"]).read_text()
    assert "'.[train,service]'" in installed
    for part in (nights, service, PARTS["sender"]):
        assert part["env_file"] == [{"path": "${KENSA_PLANT:-./plant}/kensa.env", "required": False}]
