"""int8 is a bundle of its own where the ledger and the clock allow it, else a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import distill.quantise
from distill.__main__ import app
from distill.interleave import time_in_turns
from distill.ledger import Ledger, StageEntry
from distill.quantise import STAGE, _objection, quantise
from distill.verify import verify_bundle
from inspection.bundle.manifest import STUDENT_FILE
from inspection.bundle.reader import open_bundle
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from tests.distill.conftest import Built
from tests.distill.small import washer_pixels
from tests.pretrain.command_line import call

LIMITS = Limits(pass_limit=1.0, fail_limit=2.0)
FASTER = {"onnx": 5.0, STAGE: 3.0}


def ledger(float_auroc: float, int8_auroc: float, flips: int) -> Ledger:
    def entry(auroc: float, flip_count: int | None) -> StageEntry:
        return StageEntry(
            thresholds=Thresholds(local_score=LIMITS, global_score=LIMITS),
            image_count=200,
            synthetic_flaw_auroc=auroc,
            verdict_flip_count=flip_count,
        )

    stages = {"onnx": entry(float_auroc, None), STAGE: entry(int8_auroc, flips)}
    return Ledger(stages=stages, golden={}, training_lots=())


@pytest.mark.parametrize(
    ("found", "latency_ms", "reason"),
    [
        (ledger(0.9, 0.899, 4), FASTER, None),
        (ledger(0.9, 0.95, 0), FASTER, None),
        (ledger(0.9, 0.89, 0), FASTER, "AUROC of synthetic flaws falls from 0.900 to 0.890, more than 0.005"),
        (ledger(0.9, 0.9, 5), FASTER, "5 of 200 verdicts flip, more than 4"),
        (ledger(0.9, 0.9, 0), {"onnx": 5.0, STAGE: 5.0}, "it is no faster: 5.0 ms an image, float 5.0 ms"),
    ],
)
def test_the_ledger_and_the_clock_decide(found: Ledger, latency_ms: dict[str, float], reason: str | None) -> None:
    assert _objection(found, latency_ms) == reason


def test_int8_is_a_bundle_with_thresholds_of_its_own(built: Built, tmp_path: Path) -> None:
    tried = quantise(built.bundle, built.teacher, built.images, tmp_path / "int8", ledger_decides=False)
    assert tried.manifest is not None
    inspector = open_bundle(tmp_path / "int8", threads=1)
    assert inspector.manifest == tried.manifest
    assert tried.manifest.thresholds != built.manifest.thresholds
    assert tried.manifest.calibration.images_sha256 == built.manifest.calibration.images_sha256
    assert all(check.passed for check in verify_bundle(tmp_path / "int8")), verify_bundle(tmp_path / "int8")
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "int8" / STUDENT_FILE)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    images = washer_pixels(3, 900).numpy()
    one, other = (open_bundle(path, threads=1).session.run(images) for path in (built.bundle, tmp_path / "int8"))
    embeddings = [answer["patch_embeddings"].ravel() for answer in (one, other)]
    assert np.corrcoef(embeddings)[0, 1] > 0.98


def test_what_is_not_worth_it_leaves_nothing(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distill.quantise, "_time", lambda *_: {"onnx": 1.0, STAGE: 2.0})
    monkeypatch.setattr(distill.quantise, "_MOST_AUROC_LOST", 1.0)
    monkeypatch.setattr(distill.quantise, "_MOST_FLIPS", 1.0)
    options: list[str | Path] = ["--teacher", built.teacher, "--images", built.images, "--out", tmp_path / "int8"]
    answer = call(app, capsys, monkeypatch, "quantise", built.bundle, *options)
    assert answer.status == 0
    assert answer.figures["bundle"] is None
    assert "int8: not kept: it is no faster: 2.0 ms an image, float 1.0 ms" in answer.err
    assert not (tmp_path / "int8").exists()
    assert json.dumps(answer.figures["latency_ms"]) == '{"onnx": 1.0, "int8": 2.0}'


def test_calls_are_timed_in_turns() -> None:
    order: list[str] = []
    medians = time_in_turns({name: lambda n=name: order.append(n) for name in ("a", "b")}, 0.0, least_rounds=3)
    assert order == ["a", "b"] * 5
    assert set(medians) == {"a", "b"}
    assert all(value >= 0 for value in medians.values())
