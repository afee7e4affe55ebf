"""Another day's pictures set bank, scales and limits anew; the network stays, and nothing is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.__main__ import app
from distill.dispositions import match_dispositions, read_dispositions
from distill.graph_banks import GraphBanks
from distill.recalibrate import Recalibration, RecalibrationRequest, recalibrate
from distill.verify import verify_bundle
from inspection.bundle.manifest import STUDENT_FILE
from inspection.bundle.reader import open_bundle
from inspection.calibration.thresholds import CalibrationTarget
from inspection.errors import CalibrationError, DatasetError
from tests.distill.conftest import Built
from tests.pretrain.command_line import call
from tests.pretrain.washers import write_washers


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normal washers of three days, and two defective ones among them."""
    root = tmp_path_factory.mktemp("days")
    for number, day in enumerate(("monday", "tuesday", "wednesday")):
        write_washers(root / day, range(700 + 10 * number, 708 + 10 * number))
    write_washers(root / "monday", range(790, 792), flaw=True)
    return root


@pytest.fixture(scope="module")
def decided(days: Path) -> Path:
    """A person's decisions on four of them."""
    path = days.parent / "decisions.csv"
    rows = [
        "part_id,decision",
        "washer-0790,false_alarm",
        "washer-0790,confirmed_defect",
        "washer-0791,confirmed_defect",
        "washer-0700,false_alarm",
        "washer-0701,unclear",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(
    built: Built, days: Path, decided: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recalibration, Path]:
    out = tmp_path_factory.mktemp("renewed") / "bundle"
    return recalibrate(RecalibrationRequest(built.bundle, days, out, decided)), out


def test_the_renewed_bundle_serves_and_proves_itself(built: Built, done: tuple[Recalibration, Path]) -> None:
    result, out = done
    assert open_bundle(out, threads=1).manifest == result.manifest
    assert all(check.passed for check in verify_bundle(out)), verify_bundle(out)
    assert result.manifest.bundle_id != built.manifest.bundle_id
    assert result.manifest.provenance.recipe.endswith(" + recalibrated")
    assert list(result.manifest.metrics) == ["teacher", "student", "onnx", "recalibrated"]


def test_half_of_the_bank_is_new_and_the_network_is_not(built: Built, done: tuple[Recalibration, Path]) -> None:
    result, out = done
    before, after = (GraphBanks(bundle / STUDENT_FILE).values() for bundle in (built.bundle, out))
    assert result.bank_is_new
    assert result.scales_are_new
    for one_tap, other_tap in zip(before, after, strict=True):
        assert one_tap.rows.shape == other_tap.rows.shape
        stayed = (one_tap.rows[:, None] == other_tap.rows).all(2).any(1)
        assert 0 < stayed.sum() < len(stayed)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    one, other = (open_bundle(bundle, threads=1).session.run(image) for bundle in (built.bundle, out))
    assert np.allclose(one["patch_embeddings"], other["patch_embeddings"])
    assert not np.allclose(one["anomaly_map"], other["anomaly_map"])


def test_whole_lots_calibrate_and_decided_parts_are_told_of(done: tuple[Recalibration, Path]) -> None:
    result, _ = done
    calibration = result.manifest.calibration
    assert calibration.split.startswith("by lot; held out: ")
    # 24 normal ones less the unclear one: a whole lot of 7 or 8 is held out.
    assert calibration.image_count in (7, 8)
    assert result.decided["confirmed_defect_count"] == 2
    assert result.decided["false_alarm_count"] == 1
    assert result.decided["escape_rate"] in (0.0, 0.5, 1.0)


def test_the_bank_may_stay(built: Built, days: Path, tmp_path: Path) -> None:
    target = CalibrationTarget(flagged_rate=0.4, confidence=0.9)
    request = RecalibrationRequest(built.bundle, days, tmp_path / "bundle", keep_bank=True, target=target)
    result = recalibrate(request)
    kept, before = (GraphBanks(bundle / STUDENT_FILE).values() for bundle in (tmp_path / "bundle", built.bundle))
    assert not result.bank_is_new
    assert len(kept) == len(before) == 3
    assert all(np.array_equal(one.rows, other.rows) for one, other in zip(kept, before, strict=True))
    assert result.manifest.calibration.image_count == 26 - len(result.left_out)
    assert result.manifest.calibration.local_promise.target_rate == pytest.approx(0.2)


def test_unknown_lots_are_warned_of(built: Built, tmp_path: Path) -> None:
    write_washers(tmp_path / "flat", range(800, 816))
    result = recalibrate(RecalibrationRequest(built.bundle, tmp_path / "flat", tmp_path / "bundle"))
    assert result.manifest.calibration.warning is not None
    assert result.manifest.calibration.warning.startswith("calibrated on the lots it was trained on")
    assert result.manifest.calibration.split == "by image; whether these lots were trained on is not known"


def test_lots_that_were_learned_from_are_named(built: Built, done: tuple[Recalibration, Path], tmp_path: Path) -> None:
    first, bundle = done
    learned = {"monday", "tuesday", "wednesday"} - {first.manifest.calibration.split.rpartition(": ")[2]}
    for day in learned:
        write_washers(tmp_path / "images" / day, range(900, 906))
    request = RecalibrationRequest(bundle, tmp_path / "images", tmp_path / "again", keep_bank=True)
    split = recalibrate(request).manifest.calibration.split
    assert split == f"by image; lots that were learned from too: {', '.join(sorted(learned))}"


def test_too_few_images_say_how_many_are_needed(built: Built, tmp_path: Path) -> None:
    paths = write_washers(tmp_path / "few", range(800, 808))
    rows = ["image,disposition", *(f"{path.name},confirmed_defect" for path in paths[4:])]
    (tmp_path / "decisions.csv").write_text("\n".join(rows), encoding="utf-8")
    request = RecalibrationRequest(built.bundle, tmp_path / "few", tmp_path / "out", tmp_path / "decisions.csv")
    with pytest.raises(CalibrationError, match="few: 4 normal images: give at least 5; the promise needs 736 to"):
        recalibrate(request)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("part,verdict\n1,PASS\n", "has no columns for part and decision: name them image or part_id, and decision or"),
        ("", "has no columns for part and decision"),
        (
            "image,decision\na.png,bad\n",
            "line 2: decision is 'bad': write one of confirmed_defect, false_alarm, unclear",
        ),
    ],
)
def test_decisions_that_cannot_be_read_are_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "decisions.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError) as raised:
        read_dispositions(tmp_path / "decisions.csv")
    assert message in str(raised.value)
    with pytest.raises(DatasetError, match="give a CSV file"):
        read_dispositions(tmp_path / "none.csv")


def test_parts_are_found_by_path_by_name_and_by_id() -> None:
    decisions = {"lot/a.png": "unclear", "b.png": "false_alarm", "c": "confirmed_defect"}
    paths = [Path("/images/lot/a.png"), Path("/images/b.png"), Path("/images/c.jpg"), Path("/images/d.png")]
    assert match_dispositions(decisions, Path("/images"), paths) == ["unclear", "false_alarm", "confirmed_defect", None]


def test_the_command_tells_limits_and_decisions(
    built: Built,
    days: Path,
    decided: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: list[str | Path] = ["--images", days, "--dispositions", decided, "--out", tmp_path / "bundle"]
    answer = call(app, capsys, monkeypatch, "recalibrate", built.bundle, *options, "--keep-bank")
    assert answer.status == 0
    assert answer.figures["bundle_id"] == open_bundle(tmp_path / "bundle", threads=1).bundle_id
    assert answer.figures["bank_is_new"] is False
    assert answer.figures["confirmed_defect_count"] == 2
