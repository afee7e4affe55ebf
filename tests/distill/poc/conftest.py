"""One proof of concept of washers for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import distill.poc.stage_results
import distill.quantise
from distill.poc.conduct import PocRequest
from distill.poc.plant import Plant
from distill.poc.report import Report
from distill.poc.run import run_poc
from tests.distill.small import DISTILL_TOML
from tests.pretrain.tiny import RECIPE_TOML
from tests.pretrain.washers import washer, write_washers


@pytest.fixture(scope="session", autouse=True)
def short_timing() -> Iterator[None]:
    """What the clock says is of no interest here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(distill.poc.stage_results, "_TIMED_S", 0.0)
        patched.setattr(distill.quantise, "_TIMED_S", 0.0)
        yield


@pytest.fixture(scope="session")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> PocRequest:
    """A request that trains for a second, on washers some of which are blotted."""
    root = tmp_path_factory.mktemp("poc")
    data = root / "washers"
    write_washers(data / "train" / "good", range(32))
    write_washers(data / "test" / "good", range(500, 508))
    write_washers(data / "test" / "blot", range(600, 606), flaw=True)
    (data / "ground_truth" / "blot").mkdir(parents=True)
    for seed in range(600, 606):
        mask = (washer(seed, flaw=True)[:, :, 0] < 30).astype(np.uint8) * 255
        cv2.imwrite(str(data / "ground_truth" / "blot" / f"washer-{seed:04d}_mask.png"), mask)
    paths: dict[str, Path] = {"pretrain": root / "pretrain.toml", "distill": root / "distill.toml"}
    paths["pretrain"].write_text(RECIPE_TOML, encoding="utf-8")
    paths["distill"].write_text(DISTILL_TOML, encoding="utf-8")
    return PocRequest(
        data=data,
        out=root / "out",
        minutes=0.02,
        start_weights=None,
        pretraining_recipe=str(paths["pretrain"]),
        recipe=str(paths["distill"]),
    )


@pytest.fixture(scope="session")
def report(request_of: PocRequest) -> Report:
    return run_poc(request_of, Plant())
