"""A bundle on labeled pictures: what the station would have said, against the truth."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inspection.bundle.reader import open_bundle
from inspection.calibration.metrics import (
    aupro,
    auroc_by_defect,
    escape_rate_at_overkill,
    image_auroc,
    pixel_auroc,
)
from inspection.errors import DatasetError, ImageError
from inspection.images.folders import GOOD, LabeledPicture, find_labeled_pictures
from inspection.images.truth import MASK_PX, read_mask
from inspection.terminal import track
from inspection.verdict import Inspection, Verdict


@dataclass(frozen=True)
class Evaluation:
    """Figures of a bundle on test/*, by name; `by_defect` is the image AUROC of each kind.

    Pictures are ranked by their local score, and for `part_auroc` by both scores, as the verdict does.
    """

    figures: dict[str, float | int | None]
    by_defect: dict[str, float]


def evaluate_bundle(bundle: Path, images: Path) -> Evaluation:
    """Judge every picture of images/test. Unscored pictures rank as most suspect; DatasetError where there is none."""
    pictures = find_labeled_pictures(images)
    if not pictures:
        raise DatasetError(f"{images}: has no test folder", "give a folder with test/good and test/<defect>")
    inspector = open_bundle(bundle)
    answers = [inspector.inspect(bytes_of(picture.path)) for picture in track(pictures, "judging", len(pictures))]
    defective = np.array([picture.is_defective for picture in pictures])
    local, whole, parts = (
        np.array([_or_worst(getattr(answer, name)) for answer in answers])
        for name in ("local_score", "global_score", "part_score")
    )
    figures: dict[str, float | int | None] = {
        "image_auroc": image_auroc(local, defective),
        "global_auroc": image_auroc(whole, defective),
        "part_auroc": image_auroc(parts, defective),
        **_pixel_figures(pictures, answers),
        "escape_rate_at_overkill_1pct": escape_rate_at_overkill(local, defective, 0.01),
        "escape_rate_at_overkill_5pct": escape_rate_at_overkill(local, defective, 0.05),
        **_verdict_figures(answers, defective),
    }
    return Evaluation(figures, auroc_by_defect(local, [picture.defect for picture in pictures], GOOD))


def _pixel_figures(pictures: list[LabeledPicture], answers: list[Inspection]) -> dict[str, float | None]:
    """Pixel AUROC and AUPRO over good parts and those defects that have a mask, at 256 x 256."""
    maps, masks = [], []
    for picture, answer in zip(pictures, answers, strict=True):
        if answer.anomaly_map is None or (picture.is_defective and picture.mask is None):
            continue
        maps.append(cv2.resize(answer.anomaly_map, (MASK_PX, MASK_PX), interpolation=cv2.INTER_LINEAR))
        masks.append(read_mask(picture))
    if not any(mask.any() for mask in masks):
        return {"pixel_auroc": None, "aupro": None}
    return {
        "pixel_auroc": pixel_auroc(np.stack(maps), np.stack(masks)),
        "aupro": aupro(np.stack(maps), np.stack(masks)),
    }


def _verdict_figures(answers: list[Inspection], defective: np.ndarray) -> dict[str, float | int | None]:
    verdicts = np.array([answer.verdict.value for answer in answers])
    counts = {verdict.value.lower(): int((verdicts == verdict.value).sum()) for verdict in Verdict}
    passed, failed = verdicts == Verdict.PASS, verdicts == Verdict.FAIL
    return {
        **counts,
        "escape_rate": float(passed[defective].mean()) if defective.any() else None,
        "overkill_rate": float(failed[~defective].mean()) if (~defective).any() else None,
        "good_held_rate": float((verdicts[~defective] == Verdict.HOLD).mean()) if (~defective).any() else None,
    }


def bytes_of(path: Path) -> bytes:
    """What the file holds. Raises ImageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}", "make the file readable or remove it") from None


def _or_worst(score: float | None) -> float:
    return float(np.finfo(np.float32).max) if score is None else score
