"""How many unlabeled images were enough: bundles from 10, 30 and 100 % of them, with equal time each.

The encoder is the main run's, which has seen all of them; student, memory bank and thresholds are made anew.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from distill.build import BuildRequest, build
from distill.poc.labeled import LabeledImages, load_labeled
from distill.poc.resampling import draw_weights, interval, weighted_auroc
from distill.poc.stage_results import load_result, save_onnx_result
from inspection.bundle.manifest import STUDENT_FILE
from inspection.bundle.reader import read_manifest
from inspection.calibration.metrics import image_auroc
from inspection.images.digest import sha256_of_file
from inspection.images.folders import Picture, find_pictures
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession
from pretrain.data.tiled_pictures import tile_digest
from pretrain.run_directory import RunDirectory

_LEAST_TRAINED = 3
_NEAR = 0.01
"""Within this of the whole, a part of the images was enough."""


@dataclass(frozen=True)
class Point:
    """One share of the images: what was learned from, and how it did."""

    share: float
    image_count: int
    image_auroc: float | None
    image_auroc_interval: tuple[float, float] | None
    synthetic_flaw_auroc: float | None

    @property
    def figure(self) -> float | None:
        return self.synthetic_flaw_auroc if self.image_auroc is None else self.image_auroc


def draw_share(data: Path, run: RunDirectory, share: float, folder: Path) -> int:
    """Links in `folder` to a share of the images the run trained on and to all others; returns the share's count.

    Smaller shares are parts of larger ones. 0 where the share would be too small to learn from.
    """
    seen = run.read_trained_digests()
    trained: list[Picture] = []
    others: list[Picture] = []
    for picture in find_pictures(data):
        (trained if was_trained_on(sha256_of_file(picture.path), seen) else others).append(picture)
    count = round(share * len(trained))
    if count < _LEAST_TRAINED:
        return 0
    order = torch.randperm(len(trained), generator=torch.Generator().manual_seed(0)).tolist()
    chosen = [trained[place] for place in sorted(order[:count])]
    shutil.rmtree(folder, ignore_errors=True)
    for number, picture in enumerate([*chosen, *others]):
        place = folder / picture.lot
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06d}{picture.path.suffix}").symlink_to(picture.path.resolve())
    return count


def was_trained_on(digest: str, seen: frozenset[str]) -> bool:
    """Is a file, or a tile of it, among the digests of a run?"""
    return digest in seen or tile_digest(digest, 0) in seen


def build_point(request: BuildRequest, labels: Path | None) -> None:
    """A bundle of the drawn images, and its scores of the labeled pictures beside it."""
    build(request)
    folder = request.out.parent
    manifest = read_manifest(request.out)
    inspector = Inspector(StudentSession(folder / "bundle" / STUDENT_FILE), manifest)
    if labels is not None and (labeled := load_labeled(labels, inspector)) is not None:
        save_onnx_result(folder, "onnx", inspector.session, manifest.thresholds, labeled)


def read_point(share: float, count: int, folder: Path, labeled: LabeledImages | None) -> Point:
    """The figures of a built point."""
    metrics = read_manifest(folder / "bundle").metrics["onnx"]
    result = load_result(folder, "onnx") if labeled is not None else None
    auroc: float | None = None
    bounds: tuple[float, float] | None = None
    if result is not None and labeled is not None:
        defective, scores = labeled.is_defective, result.scores.local_score
        auroc = image_auroc(scores, defective)
        bounds = interval(weighted_auroc(scores, defective, draw_weights(labeled.units, defective)))
    return Point(share, count, auroc, bounds, metrics["synthetic_flaw_auroc"])


def enough(points: list[Point]) -> str:
    """In a sentence: with how many images the figure was as good as with all."""
    known = [(point, point.figure) for point in points if point.figure is not None]
    if len(known) < 2:
        return "Too few images for a learning curve."
    best = known[-1][1]
    assert best is not None
    name = "real defects" if known[-1][0].image_auroc is not None else "synthetic flaws on held-out images"
    near = next(point for point, figure in known if figure is not None and figure >= best - _NEAR)
    if near is not known[-1][0]:
        return f"{near.image_count} images were enough: on {name} they did as well as all {known[-1][0].image_count}."
    told = f"All {near.image_count} images did best on {name}; more may do better still."
    bounds = near.image_auroc_interval
    within = [point for point, figure in known[:-1] if bounds and figure is not None and figure >= bounds[0]]
    if within:
        told += f" {within[0].image_count} may have been enough: their figure lies within the interval."
    return told
