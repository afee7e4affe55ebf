"""Figures on labeled pictures against counting by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from distill.evaluate import Evaluation, evaluate_bundle
from inspection.bundle.reader import open_bundle
from inspection.errors import BundleMissing, DatasetError, ImageError
from inspection.images.decode import encode_png
from inspection.images.folders import find_labeled_pictures
from inspection.verdict import Inspection, Verdict
from tests.bundles import make_bundle, part_picture

SIDE_PX = 96
SPOTS = {"good": (0.0, 0.0, 0.0, 0.3), "speck": (0.2, 0.36, 0.5), "hole": (0.9, 0.95)}


def mask_of(picture: np.ndarray) -> np.ndarray:
    """What the spot darkened, uint8 0 or 255."""
    return ((picture[:, :, 0] < 100) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, and labeled pictures of which one kind of defect has masks."""
    root = tmp_path_factory.mktemp("labeled")
    make_bundle(root / "bundle")
    for defect, spots in SPOTS.items():
        (root / "test" / defect).mkdir(parents=True)
        (root / "ground_truth" / defect).mkdir(parents=True)
        for number, spot in enumerate(spots):
            picture = part_picture(10 * len(defect) + number, spot=spot, height_px=SIDE_PX, width_px=SIDE_PX)
            (root / "test" / defect / f"{number}.png").write_bytes(encode_png(picture))
            if defect == "hole":
                cv2.imwrite(str(root / "ground_truth" / defect / f"{number}_mask.png"), mask_of(picture))
    return root


@pytest.fixture(scope="module")
def evaluation(root: Path) -> Evaluation:
    return evaluate_bundle(root / "bundle", root)


@pytest.fixture(scope="module")
def answers(root: Path) -> dict[str, list[Inspection]]:
    """What the station says, by defect."""
    inspector = open_bundle(root / "bundle", threads=1)
    found: dict[str, list[Inspection]] = {name: [] for name in SPOTS}
    for picture in find_labeled_pictures(root):
        found[picture.defect].append(inspector.inspect(picture.path.read_bytes()))
    return found


def by_pairs(bad: list[float], good: list[float]) -> float:
    """The share of pairs in which the defective part has the higher score."""
    wins = sum(1.0 if b > g else 0.5 if b == g else 0.0 for b in bad for g in good)
    return wins / len(bad) / len(good)


def values(answers: list[Inspection], name: str) -> list[float]:
    return [float(getattr(answer, name)) for answer in answers]


def test_image_figures_are_shares_of_pairs(evaluation: Evaluation, answers: dict[str, list[Inspection]]) -> None:
    bad, good = answers["speck"] + answers["hole"], answers["good"]
    for figure, score in (
        ("image_auroc", "local_score"),
        ("part_auroc", "part_score"),
        ("global_auroc", "global_score"),
    ):
        assert evaluation.figures[figure] == pytest.approx(by_pairs(values(bad, score), values(good, score)))
    for defect in ("speck", "hole"):
        expected = by_pairs(values(answers[defect], "local_score"), values(good, "local_score"))
        assert evaluation.by_defect[defect] == pytest.approx(expected)
    assert set(evaluation.by_defect) == {"speck", "hole"}
    image_auroc = evaluation.figures["image_auroc"]
    assert image_auroc is not None
    assert 0.5 < image_auroc < 1


def test_verdict_figures_are_counts(evaluation: Evaluation, answers: dict[str, list[Inspection]]) -> None:
    bad, good = answers["speck"] + answers["hole"], answers["good"]

    def count(some: list[Inspection], verdict: Verdict) -> int:
        return sum(answer.verdict is verdict for answer in some)

    figures = evaluation.figures
    assert [figures["pass"], figures["hold"], figures["fail"]] == [count(bad + good, verdict) for verdict in Verdict]
    assert figures["escape_rate"] == pytest.approx(count(bad, Verdict.PASS) / 5)
    assert figures["overkill_rate"] == pytest.approx(count(good, Verdict.FAIL) / 4)
    assert figures["good_held_rate"] == pytest.approx(count(good, Verdict.HOLD) / 4)
    # The set is made so that every kind of mistake is in it.
    assert count(bad, Verdict.PASS) == 1
    assert count(good, Verdict.HOLD) == 1


def test_escapes_at_an_overkill_are_counted_over_all_limits(
    evaluation: Evaluation, answers: dict[str, list[Inspection]]
) -> None:
    bad = values(answers["speck"] + answers["hole"], "local_score")
    good = values(answers["good"], "local_score")
    for name, overkill in (("escape_rate_at_overkill_1pct", 0.01), ("escape_rate_at_overkill_5pct", 0.05)):
        escapes = [
            sum(score < limit for score in bad) / len(bad)
            for limit in [*bad, *good, float("inf")]
            if sum(score >= limit for score in good) / len(good) <= overkill
        ]
        assert evaluation.figures[name] == pytest.approx(min(escapes))


def test_pixel_figures_are_of_good_parts_and_masked_defects(
    root: Path, evaluation: Evaluation, answers: dict[str, list[Inspection]]
) -> None:
    bad, good = [], []
    for defect in ("good", "hole"):
        for number, answer in enumerate(answers[defect]):
            assert answer.anomaly_map is not None
            full = cv2.resize(answer.anomaly_map, (256, 256), interpolation=cv2.INTER_LINEAR)
            mask = np.zeros((256, 256), bool)
            path = root / "ground_truth" / defect / f"{number}_mask.png"
            if path.is_file():
                drawn = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
                assert drawn is not None
                mask = cv2.resize(drawn, (256, 256), interpolation=cv2.INTER_NEAREST) > 0
            bad.append(full[mask])
            good.append(full[~mask])
    ordered, defective = np.sort(np.concatenate(good)), np.concatenate(bad)
    below, upto = np.searchsorted(ordered, defective, "left"), np.searchsorted(ordered, defective, "right")
    expected = float((below + upto).mean() / 2 / len(ordered))
    assert evaluation.figures["pixel_auroc"] == pytest.approx(expected, abs=1e-6)
    assert expected > 0.9
    aupro = evaluation.figures["aupro"]
    assert aupro is not None
    assert 0.5 < aupro <= 1


def test_without_masks_there_are_no_pixel_figures(root: Path, tmp_path: Path) -> None:
    for defect in ("good", "speck"):
        (tmp_path / "test" / defect).mkdir(parents=True)
        for path in (root / "test" / defect).iterdir():
            (tmp_path / "test" / defect / path.name).write_bytes(path.read_bytes())
    figures = evaluate_bundle(root / "bundle", tmp_path).figures
    assert figures["pixel_auroc"] is None
    assert figures["aupro"] is None
    assert figures["image_auroc"] is not None


def test_a_picture_that_cannot_be_judged_ranks_as_most_suspect_and_is_held(root: Path, tmp_path: Path) -> None:
    for defect, spots in SPOTS.items():
        (tmp_path / "test" / defect).mkdir(parents=True)
        for number in range(len(spots)):
            data = (root / "test" / defect / f"{number}.png").read_bytes()
            (tmp_path / "test" / defect / f"{number}.png").write_bytes(data)
    (tmp_path / "test" / "hole" / "letter.png").write_text("Dear Sir", encoding="utf-8")
    before, after = evaluate_bundle(root / "bundle", root), evaluate_bundle(root / "bundle", tmp_path)
    assert after.figures["hold"] == (before.figures["hold"] or 0) + 1
    # The hole that cannot be read is above all good parts, as the two others are.
    assert after.by_defect["hole"] == before.by_defect["hole"] == 1.0
    assert after.figures["escape_rate"] == pytest.approx(1 / 6)


def test_only_good_parts_give_no_auroc(root: Path, tmp_path: Path) -> None:
    (tmp_path / "test" / "good").mkdir(parents=True)
    (tmp_path / "test" / "good" / "0.png").write_bytes((root / "test" / "good" / "0.png").read_bytes())
    evaluation = evaluate_bundle(root / "bundle", tmp_path)
    assert evaluation.by_defect == {}
    figures = evaluation.figures
    assert [figures[name] for name in ("image_auroc", "escape_rate", "escape_rate_at_overkill_1pct")] == [None] * 3
    assert figures["overkill_rate"] == 0


def test_what_cannot_be_evaluated_is_one_line(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no test folder: give a folder with test/good and test/<defect>"):
        evaluate_bundle(root / "bundle", tmp_path)
    with pytest.raises(BundleMissing, match="no bundle here"):
        evaluate_bundle(tmp_path, root)


def test_a_picture_that_cannot_be_opened_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "1.png":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    inspector = open_bundle(root / "bundle", threads=1)
    monkeypatch.setattr("distill.evaluate.open_bundle", lambda _: inspector)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"1\.png: Permission denied: make the file readable or remove it"):
        evaluate_bundle(root / "bundle", root)
