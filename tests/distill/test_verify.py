"""A bundle's proofs fail by their names where something does not follow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from distill.__main__ import app
from distill.ledger import LEDGER_FILE, count_flips, read_ledger
from distill.verify import verify_bundle
from inspection.bundle.reader import open_bundle
from inspection.errors import BundleError, BundleMissing
from inspection.images.decode import encode_png, read_image
from inspection.verdict import Verdict
from tests.distill.conftest import Built
from tests.distill.rewriting import rewrite, rewritten
from tests.pretrain.command_line import call

NAMES = [
    "manifest", "digests", "golden scores", "golden verdicts", "batching", "parity certificate", "parity recomputed",
    "ledger", "promise",
]  # fmt: skip


def failed(bundle: Path) -> list[str]:
    return [check.name for check in verify_bundle(bundle) if not check.passed]


def test_a_built_bundle_proves_itself(built: Built) -> None:
    checks = verify_bundle(built.bundle)
    assert [check.name for check in checks] == NAMES
    assert all(check.passed for check in checks), checks


def test_the_ledger_holds_every_stage_and_every_golden_image(built: Built) -> None:
    ledger = read_ledger(built.bundle)
    assert list(ledger.stages) == ["teacher", "student", "onnx"]
    assert ledger.stages["teacher"].verdict_flip_count is None
    assert ledger.stages["student"].thresholds == ledger.stages["onnx"].thresholds == built.manifest.thresholds
    assert ledger.stages["teacher"].thresholds != built.manifest.thresholds
    assert set(ledger.golden) == {image.file for image in built.manifest.golden_images}
    inspector = open_bundle(built.bundle, threads=1)
    for file, scores in ledger.golden.items():
        answer = inspector.inspect((built.bundle / file).read_bytes())
        assert answer.local_score == pytest.approx(scores["student"].local_score, rel=1e-3)
        assert set(scores) == {"teacher", "student"}


def test_flips_are_counted_image_by_image() -> None:
    one = [Verdict.PASS, Verdict.HOLD, Verdict.FAIL]
    assert count_flips(one, [Verdict.PASS, Verdict.FAIL, Verdict.HOLD]) == 2
    assert count_flips(one, one) == 0


def test_a_changed_file_or_manifest_fails_by_name(built: Built, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(built.bundle, tmp_path / "changed"))
    (changed / LEDGER_FILE).write_text("{}", encoding="utf-8")
    assert [check.name for check in verify_bundle(changed)] == ["manifest", "digests"]
    assert failed(changed) == ["digests"]
    with (changed / "manifest.json").open("a", encoding="utf-8") as file:
        file.write("]")
    assert failed(changed) == ["manifest"]
    with pytest.raises(BundleMissing):
        verify_bundle(tmp_path)


def test_a_golden_image_that_is_another_one_fails(built: Built, tmp_path: Path) -> None:
    other = Path(shutil.copytree(built.bundle, tmp_path / "other"))
    place = other / built.manifest.golden_images[0].file
    image = read_image(place).copy()
    image[20:44, 20:44] = 255 - image[20:44, 20:44]
    place.write_bytes(encode_png(image))
    rewrite(other)
    assert "golden scores" in failed(other)
    assert "parity recomputed" in failed(other)


def test_a_certificate_that_was_not_earned_fails(built: Built, tmp_path: Path) -> None:
    flipping = built.manifest.parity.model_copy(update={"verdict_flip_count": 2})
    assert failed(rewritten(built.bundle, tmp_path / "flipping", parity=flipping)) == ["parity certificate"]
    lenient = built.manifest.parity.model_copy(update={"largest_score_difference": 0.5, "tolerance": 0.6})
    assert failed(rewritten(built.bundle, tmp_path / "lenient", parity=lenient)) == ["parity certificate"]


def test_a_promise_that_does_not_follow_from_its_images_fails(built: Built, tmp_path: Path) -> None:
    calibration = built.manifest.calibration
    bold = calibration.local_promise.model_copy(update={"flagged_rate_bound": 0.001})
    changed = calibration.model_copy(update={"local_promise": bold})
    assert failed(rewritten(built.bundle, tmp_path / "bold", calibration=changed)) == ["promise"]
    swollen = calibration.model_copy(update={"image_count": 1000})
    assert failed(rewritten(built.bundle, tmp_path / "swollen", calibration=swollen)) == ["promise"]


def test_figures_that_differ_from_the_ledger_fail(built: Built, tmp_path: Path) -> None:
    metrics = {**built.manifest.metrics, "onnx": {**built.manifest.metrics["onnx"], "synthetic_flaw_auroc": 0.999}}
    assert failed(rewritten(built.bundle, tmp_path / "flattering", metrics=metrics)) == ["ledger"]


def test_torch_scores_that_onnx_does_not_reach_fail(built: Built, tmp_path: Path) -> None:
    other = Path(shutil.copytree(built.bundle, tmp_path / "other"))
    ledger = json.loads((other / LEDGER_FILE).read_text(encoding="utf-8"))
    next(iter(ledger["golden"].values()))["student"]["local_score"] += 1.0
    (other / LEDGER_FILE).write_text(json.dumps(ledger), encoding="utf-8")
    assert failed(rewrite(other)) == ["parity recomputed"]


def test_a_ledger_that_cannot_be_read_is_one_line(built: Built, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"ledger\.json: is missing: build the bundle again"):
        read_ledger(tmp_path)
    (tmp_path / LEDGER_FILE).write_text('{"stages": {}}', encoding="utf-8")
    with pytest.raises(BundleError, match=r"ledger\.json: golden does not fit"):
        read_ledger(tmp_path)


def test_the_command_says_pass_or_fail_by_its_status(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(app, capsys, monkeypatch, "verify", built.bundle)
    assert (answer.status, answer.figures["passed"]) == (0, True)
    assert set(answer.figures["checks"]) == set(NAMES)
    changed = Path(shutil.copytree(built.bundle, tmp_path / "changed"))
    (changed / "student.onnx").write_bytes(b"")
    answer = call(app, capsys, monkeypatch, "verify", changed)
    assert (answer.status, answer.figures["passed"]) == (1, False)
    assert "FAIL" in answer.out
    assert call(app, capsys, monkeypatch, "verify", tmp_path).status == 2
