"""What runs beside the replicas, nights and senders: hardened, of commands and settings that exist."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from service.settings import ServiceSettings
from tests.architecture.sources import ROOT
from tests.deploy.containers.files import help_of, manifests

FOLDERS = {name: ROOT / "deploy" / "kubernetes" / name for name in ("nights", "factory")}
EACH = pytest.mark.parametrize("name", FOLDERS)
SETTINGS = next(one for one in manifests() if one["kind"] == "ConfigMap")


def objects(name: str) -> list[dict[str, Any]]:
    return [part for path in FOLDERS[name].glob("*.yaml") for part in yaml.safe_load_all(path.read_text())]


def deployment(name: str) -> dict[str, Any]:
    (found,) = [one for one in objects(name) if one["kind"] == "Deployment"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = deployment(name)["spec"]["template"]["spec"]["containers"]
    return found


@EACH
def test_every_file_is_listed(name: str) -> None:
    listed = yaml.safe_load((FOLDERS[name] / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in FOLDERS[name].iterdir())


@EACH
def test_it_is_hardened(name: str) -> None:
    pod = deployment(name)["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container(name)["resources"]["limits"]


@pytest.mark.parametrize(("name", "words"), [("nights", ["service", "nightly"]), ("factory", ["factory", "send"])])
def test_the_command_is_one_of_ours(name: str, words: list[str]) -> None:
    assert container(name)["args"] == words
    # The trainer's image starts any module, the service's only the service.
    assert "Usage" in help_of(words if words[0] == "service" else ["service", *words])


@EACH
def test_settings_are_settings_of_ours_and_paths_agree(name: str) -> None:
    pod = deployment(name)["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container(name)["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert {"configMapRef": {"name": SETTINGS["metadata"]["name"]}} in container(name)["envFrom"]
    [given] = container(name)["env"]
    assert given["name"].removeprefix("KENSA_").lower() in ServiceSettings.model_fields
    assert given["value"].startswith(mounts["plan"])
    assert SETTINGS["data"]["KENSA_DATABASE_PASSWORD_FILE"].startswith(mounts["database-password"])
    assert SETTINGS["data"]["KENSA_DATA"] == mounts["data"]


def test_nights_publish_where_the_replicas_look() -> None:
    pod = deployment("nights")["spec"]["template"]["spec"]
    claims = {volume["name"]: volume.get("persistentVolumeClaim", {}) for volume in pod["volumes"]}
    mounts = {mount["name"]: mount for mount in container("nights")["volumeMounts"]}
    assert claims["bundles"] == {"claimName": "kensa-bundles"}
    assert mounts["bundles"] == {"name": "bundles", "mountPath": SETTINGS["data"]["KENSA_BUNDLE_SHELF"]}
    assert claims["data"] == {"claimName": "kensa-nights"}
    assert deployment("nights")["spec"]["replicas"] == 1
    assert deployment("factory")["spec"]["replicas"] > 1
