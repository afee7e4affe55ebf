"""A bundle's proofs, computed again from what travels with it: its golden images, its ledger and its promises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from distill.ledger import Ledger, read_ledger
from inspection.bundle.manifest import STUDENT_FILE, GoldenImage, Manifest
from inspection.bundle.reader import read_manifest, verify_digests
from inspection.bundle.self_test import SCORE_TOLERANCE
from inspection.calibration.intervals import upper_bound_of_rate
from inspection.calibration.policy import Thresholds, judge
from inspection.calibration.thresholds import CalibrationTarget, Promise, needed_image_count
from inspection.errors import BundleError, BundleMissing
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import StudentSession
from inspection.verdict import Verdict

_SAME = 1e-3
"""In widths of the hold band: a batch may round otherwise than one image, and nothing more."""


@dataclass(frozen=True)
class Check:
    """One proof by its name: does it stand, and by which figure."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class _Bundle:
    root: Path
    manifest: Manifest
    ledger: Ledger
    golden: list[GoldenImage]
    prepared: list[PreparedImage]
    one_by_one: np.ndarray
    """Scores of the golden images, each by itself: [n, 2], local and global."""
    together: np.ndarray


def verify_bundle(root: Path) -> list[Check]:
    """Every proof of the bundle at `root`. A bundle that cannot be read fails by name; raises BundleMissing."""
    checks: list[Check] = []
    try:
        manifest = read_manifest(root)
        checks.append(Check("manifest", True, f"{manifest.bundle_id} follows from its content"))
        verify_digests(root, manifest)
        checks.append(Check("digests", True, f"{len(manifest.files_sha256)} files are those of the manifest"))
        found = _score_golden(root, manifest)
    except BundleMissing:
        raise
    except BundleError as error:
        name = ("manifest", "digests", "golden images")[len(checks)]
        return [*checks, Check(name, False, str(error))]
    return [*checks, *(prove(found) for prove in _PROOFS)]


def _score_golden(root: Path, manifest: Manifest) -> _Bundle:
    inspector = Inspector(StudentSession(root / STUDENT_FILE), manifest)
    golden = list(manifest.golden_images)
    prepared = []
    for image in golden:
        pixels = inspector.prepare((root / image.file).read_bytes(), name=image.file)
        if not isinstance(pixels, PreparedImage):
            raise BundleError(f"{root / image.file}: {pixels.detail}", "build the bundle again")
        prepared.append(pixels)
    singles = [inspector.score([image]) for image in prepared]
    batch = inspector.score(prepared)
    one_by_one = np.array([(scores.local_score[0], scores.global_score[0]) for scores in singles], np.float64)
    together = np.stack([batch.local_score, batch.global_score], axis=1).astype(np.float64)
    return _Bundle(root, manifest, read_ledger(root), golden, prepared, one_by_one, together)


def _golden_scores(bundle: _Bundle) -> Check:
    recorded = np.array([(image.local_score, image.global_score) for image in bundle.golden])
    apart = _in_bands(bundle.one_by_one - recorded, bundle.manifest.thresholds)
    detail = f"{len(recorded)} images, largest difference {apart:.2g} of the hold band (allowed {SCORE_TOLERANCE:g})"
    return Check("golden scores", apart <= SCORE_TOLERANCE, detail)


def _golden_verdicts(bundle: _Bundle) -> Check:
    flipped = [
        image.file
        for image, (local, whole) in zip(bundle.golden, bundle.one_by_one, strict=True)
        if image.verdict not in _possible_verdicts(float(local), float(whole), bundle.manifest.thresholds)
    ]
    detail = f"flipped: {', '.join(flipped)}" if flipped else f"all {len(bundle.golden)} as when the bundle was built"
    return Check("golden verdicts", not flipped, detail)


def _batching(bundle: _Bundle) -> Check:
    apart = _in_bands(bundle.one_by_one - bundle.together, bundle.manifest.thresholds)
    detail = f"a batch of {len(bundle.together)} and single images differ by {apart:.2g} of the hold band"
    return Check("batching", apart <= _SAME, detail)


def _certificate(bundle: _Bundle) -> Check:
    parity = bundle.manifest.parity
    stands = parity.verdict_flip_count == 0 and parity.largest_score_difference <= parity.tolerance <= SCORE_TOLERANCE
    detail = (
        f"{parity.image_count} images, largest difference {parity.largest_score_difference:.2g}, "
        f"{parity.verdict_flip_count} verdicts flip"
    )
    return Check("parity certificate", stands, detail)


def _parity_again(bundle: _Bundle) -> Check:
    if bundle.ledger.renewed_from is not None:
        return Check("parity recomputed", True, f"not applicable: {bundle.ledger.note or 'renewed without torch'}")
    try:
        scores = [bundle.ledger.golden[image.file]["student"] for image in bundle.golden]
    except KeyError:
        return Check("parity recomputed", False, "the ledger lacks the student's scores of a golden image")
    torch_scores = np.array([(one.local_score, one.global_score) for one in scores])
    apart = _in_bands(bundle.one_by_one - torch_scores, bundle.manifest.thresholds)
    detail = f"torch then and ONNX Runtime now differ by {apart:.2g} of the hold band (allowed {SCORE_TOLERANCE:g})"
    return Check("parity recomputed", apart <= SCORE_TOLERANCE, detail)


def _ledger(bundle: _Bundle) -> Check:
    stages = bundle.ledger.stages
    told = bundle.manifest.metrics
    differing = sorted(
        set(stages) ^ set(told)
        | {
            stage
            for stage in set(stages) & set(told)
            if stages[stage].synthetic_flaw_auroc != told[stage].get("synthetic_flaw_auroc")
        }
    )
    detail = (
        f"differs from the manifest at {differing[0]}"
        if differing
        else f"stages {', '.join(stages)} as in the manifest"
    )
    return Check("ledger", not differing, detail)


def _promises(bundle: _Bundle) -> Check:
    calibration = bundle.manifest.calibration
    broken = [
        name
        for name, promise in (("local", calibration.local_promise), ("global", calibration.global_promise))
        if not _holds(promise) or promise.image_count != calibration.image_count
    ]
    if broken:
        return Check("promise", False, f"{broken[0]} promise does not follow from its images")
    worst = max(calibration.local_promise.flagged_rate_bound, calibration.global_promise.flagged_rate_bound)
    detail = f"at most {worst:.1%} flagged per score, from {calibration.image_count} images"
    return Check("promise", True, detail)


_PROOFS: tuple[Callable[[_Bundle], Check], ...] = (
    _golden_scores,
    _golden_verdicts,
    _batching,
    _certificate,
    _parity_again,
    _ledger,
    _promises,
)


def _holds(promise: Promise) -> bool:
    """Is the bound one that some number of flagged calibration images gives, and the needed number the right one?"""
    target = CalibrationTarget(flagged_rate=promise.target_rate, confidence=promise.confidence)
    is_reached = any(abs(bound - promise.flagged_rate_bound) < 1e-9 for bound in _bounds(promise))
    return is_reached and promise.needed_image_count == needed_image_count(target)


def _bounds(promise: Promise) -> Iterator[float]:
    for flagged in range(promise.image_count):
        bound = upper_bound_of_rate(flagged, promise.image_count, promise.confidence)
        yield bound
        if bound > promise.flagged_rate_bound:
            return


def _possible_verdicts(local: float, whole: float, thresholds: Thresholds) -> set[Verdict]:
    """Verdicts within the tolerance of the scores: one that lies on a limit may fall on either side of it."""
    slacks = [
        SCORE_TOLERANCE * (limits.fail_limit - limits.pass_limit)
        for limits in (thresholds.local_score, thresholds.global_score)
    ]
    return {
        judge(local + up * slacks[0], whole + over * slacks[1], thresholds).verdict
        for up, over in product((-1, 0, 1), repeat=2)
    }


def _in_bands(differences: np.ndarray, thresholds: Thresholds) -> float:
    """The largest of differences [n, 2] in widths of the hold bands; infinite where one is no number."""
    widths = [limits.fail_limit - limits.pass_limit for limits in (thresholds.local_score, thresholds.global_score)]
    apart = np.abs(differences / np.array(widths))
    return float(apart.max()) if np.isfinite(apart).all() else float("inf")
