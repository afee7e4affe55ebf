"""Import rules: the contracts of pyproject.toml, and what a fresh interpreter really loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.feature_contract import FeatureContract

ROOT = Path(__file__).resolve().parents[2]
TRAINING_ONLY = ("torch", "torchvision", "timm", "safetensors", "onnx", "pretrain", "distill")


def loaded_modules(*names: str) -> set[str]:
    """Top-level modules in memory after importing `names` in a fresh interpreter."""
    answering = "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    code = f"import sys, json, {', '.join(names)}; {answering}"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout.splitlines()[-1]))


def station_side_modules() -> list[str]:
    """Every module of the station side: each must be importable where torch is not installed."""
    graph = grimp.build_graph("inspection", "service", cache_dir=None)
    return sorted(m for m in graph.modules if not m.endswith("__main__") and ".migrations." not in m)


def test_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "0 broken" in answer.stdout


def test_station_side_loads_no_torch() -> None:
    modules = station_side_modules()
    assert modules
    assert loaded_modules(*modules).isdisjoint(TRAINING_ONLY)


@pytest.mark.parametrize("module", ["inspection", "service.app"])
def test_entry_points_load_no_torch(module: str) -> None:
    loaded = loaded_modules(module)
    assert module.split(".")[0] in loaded
    assert loaded.isdisjoint(TRAINING_ONLY)


def test_a_camera_loads_no_part_of_the_server() -> None:
    loaded = loaded_modules("service.client", "service.camera.__main__")
    assert "httpx" in loaded
    assert loaded.isdisjoint({*TRAINING_ONLY, "fastapi", "starlette", "sqlalchemy", "uvicorn", "onnxruntime"})


def test_torch_would_be_noticed() -> None:
    assert "torch" in loaded_modules("torch")


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("service.review.api", "service.intake.queries", False),
        ("service.review.api", "service.intake.operations", True),
        ("service.review.api", "service.review.queries", True),
        ("service.app", "service.intake.api", True),
    ],
)
def test_feature_contract_knows_the_door(importer: str, imported: str, kept: bool) -> None:
    graph = grimp.ImportGraph()
    for module in ("service", "service.intake", "service.intake.operations", "service.intake.queries"):
        graph.add_module(module)
    for module in (
        "service.intake.api",
        "service.review",
        "service.review.operations",
        "service.review.queries",
    ):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    contract = FeatureContract("features", {}, {"package": "service", "door": "operations"})
    assert contract.check(graph, verbose=False).kept is kept
