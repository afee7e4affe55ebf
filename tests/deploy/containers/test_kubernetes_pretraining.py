"""Pretraining in a cluster: pods that find each other, hardened, with a command and options that exist."""

from __future__ import annotations

from typing import Any

import typer
import yaml
from torch.distributed.run import get_args_parser

from pretrain.__main__ import app
from pretrain.recipe import shipped_recipes
from tests.architecture.sources import ROOT

FOLDER = ROOT / "deploy" / "kubernetes" / "pretraining"
FILES = {path.name: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in FOLDER.glob("*.yaml")}
(JOB,) = FILES["job.yaml"]
(SERVICE,) = FILES["rendezvous.yaml"]
POD: dict[str, Any] = JOB["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
# As the second pod would see it.
ARGUMENTS = [word.replace("$(NODE_RANK)", "1") for word in CONTAINER["args"]]
TORCHRUN = get_args_parser().parse_args(ARGUMENTS[1:])


def train_options() -> dict[str, Any]:
    """The options of the job's `pretrain train`, read by the command itself."""
    program = typer.main.get_command(app)
    name, *words = TORCHRUN.training_script_args
    command = program.commands[name]  # type: ignore[attr-defined]
    options: dict[str, Any] = command.make_context(name, words).params
    return options


def test_every_file_is_listed() -> None:
    listed = FILES["kustomization.yaml"][0]["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in FOLDER.iterdir())


def test_the_command_is_one_of_ours_with_options_that_exist() -> None:
    assert CONTAINER["args"][0] == "torch.distributed.run"
    assert TORCHRUN.module
    assert TORCHRUN.training_script == "pretrain"
    options = train_options()
    assert options["recipe"] in shipped_recipes()
    assert options["resume"] is True
    assert options["minutes"] > 0


def test_the_pods_find_each_other() -> None:
    assert JOB["spec"]["completionMode"] == "Indexed"
    assert int(TORCHRUN.nnodes) == JOB["spec"]["completions"] == JOB["spec"]["parallelism"]
    (rank,) = CONTAINER["env"]
    assert f"--node-rank=$({rank['name']})" in CONTAINER["args"]
    assert TORCHRUN.node_rank == 1
    assert "job-completion-index" in rank["valueFrom"]["fieldRef"]["fieldPath"]
    assert POD["subdomain"] == SERVICE["metadata"]["name"]
    assert TORCHRUN.master_addr == f"{JOB['metadata']['name']}-0.{SERVICE['metadata']['name']}"
    assert SERVICE["spec"]["clusterIP"] == "None"
    assert SERVICE["spec"]["publishNotReadyAddresses"] is True
    assert SERVICE["spec"]["selector"] == {"batch.kubernetes.io/job-name": JOB["metadata"]["name"]}
    (port,) = SERVICE["spec"]["ports"]
    assert port["port"] == TORCHRUN.master_port == CONTAINER["ports"][0]["containerPort"]


def test_pods_are_hardened_and_bounded() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == 10001
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory", "nvidia.com/gpu"} <= set(CONTAINER["resources"]["limits"])
    assert TORCHRUN.nproc_per_node == "gpu"


def test_what_is_written_lies_on_volumes_that_all_pods_see() -> None:
    mounts = {mount["name"]: mount for mount in CONTAINER["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in POD["volumes"]}
    claims = {claim["metadata"]["name"]: claim["spec"]["accessModes"] for claim in FILES["volumes.yaml"]}
    used = {
        volume["name"]: claims[volume["persistentVolumeClaim"]["claimName"]]
        for volume in POD["volumes"]
        if "persistentVolumeClaim" in volume
    }
    options = train_options()
    assert str(options["images"]) == mounts["pictures"]["mountPath"]
    assert mounts["pictures"]["readOnly"] is True
    assert used["pictures"] == ["ReadOnlyMany"]
    assert used["runs"] == ["ReadWriteMany"]
    for written in (options["out"], options["cache"]):
        assert str(written).startswith(mounts["runs"]["mountPath"] + "/")
