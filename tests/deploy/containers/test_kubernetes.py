"""Replicas in a cluster: hardened, probed where the service answers, with settings that exist."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from service.settings import ServiceSettings
from tests.deploy.containers.files import KUBERNETES, manifests

OBJECTS = manifests()


def the(kind: str) -> dict[str, Any]:
    (found,) = [one for one in OBJECTS if one["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = the("Deployment")["spec"]["template"]["spec"]
    return spec


def containers() -> list[dict[str, Any]]:
    return [*pod()["initContainers"], *pod()["containers"]]


def test_every_file_is_listed() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in KUBERNETES.iterdir())


@pytest.mark.parametrize("container", containers(), ids=lambda container: container["name"])
def test_containers_are_hardened(container: dict[str, Any]) -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["args"][0] in ("migrate", "serve")
    assert "memory" in container["resources"]["limits"]


def test_probes_ask_addresses_of_the_service() -> None:
    (service,) = pod()["containers"]
    probes = {name: service[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    assert service["ports"] == [{"name": "http", "containerPort": 8080}]


def test_settings_are_settings_of_ours() -> None:
    data = the("ConfigMap")["data"]
    ours = {name.removeprefix("KENSA_").lower() for name in data if name.startswith("KENSA_")}
    assert {"images", "database_url", "bundle"} <= ours <= set(ServiceSettings.model_fields)
    assert not any("password" in text.lower() for name, text in data.items() if not name.endswith("_FILE"))


def test_what_is_mounted_is_there_and_paths_agree() -> None:
    volumes = {volume["name"] for volume in pod()["volumes"]}
    data = the("ConfigMap")["data"]
    for container in containers():
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert set(mounts) == volumes
        assert mounts["data"] == data["KENSA_DATA"]
        assert data["KENSA_BUNDLE"].startswith(mounts["bundles"])
        assert data["KENSA_DATABASE_PASSWORD_FILE"].startswith(mounts["database-password"])
    assert data["KENSA_BUNDLE_SHELF"] == "/bundles"
    assert the("PersistentVolumeClaim")["metadata"]["name"] == "kensa-bundles"


def test_an_update_never_leaves_the_line_alone() -> None:
    spec = the("Deployment")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["replicas"] >= the("HorizontalPodAutoscaler")["spec"]["minReplicas"] > 1
    assert the("PodDisruptionBudget")["spec"]["minAvailable"] == 1
    assert pod()["terminationGracePeriodSeconds"] > 15


def test_figures_are_not_shown_outside() -> None:
    (rule,) = the("Ingress")["spec"]["rules"]
    paths = {(path["path"], path["pathType"]) for path in rule["http"]["paths"]}
    assert ("/", "Prefix") not in paths
    assert not any(path.startswith("/metrics") for path, _ in paths)
    assert ("/api", "Prefix") in paths
