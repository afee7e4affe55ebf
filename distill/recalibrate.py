"""Another lot, another day: bank, scales and thresholds set anew from normal images, in minutes and without training.

The network stays. Its embeddings of some of the images refresh half of the memory bank; the others, which nothing has
learned from, set scales and thresholds.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill.calibrate import Calibrated, calibrate
from distill.dispositions import CONFIRMED, FALSE_ALARM, UNCLEAR, match_dispositions, read_dispositions
from distill.graph_banks import BankValues, GraphBanks
from distill.graph_level import GraphLevel
from distill.graph_scales import GraphScales
from distill.ledger import Ledger, enter_stages, read_ledger, verdicts_of
from distill.parts import scores_of_parts
from distill.renewal import Renewal, renew_bundle, with_onnx_scores
from distill.stages import flaw_auroc, score_in_onnx
from inspection.bundle.manifest import STUDENT_FILE, Manifest
from inspection.bundle.reader import open_bundle
from inspection.calibration.both_limits import join_promises, share_target
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import MIN_IMAGE_COUNT, CalibrationTarget, needed_image_count
from inspection.errors import CalibrationError
from inspection.images.folders import find_pictures, training_folder
from inspection.images.illumination import Illumination
from inspection.scoring.session import StudentSession
from inspection.terminal import say
from inspection.verdict import Verdict
from pretrain.data.image_set import ImageSet, load_images
from pretrain.evaluate.coreset import Cells, cells_of, draw_coreset, some_cells
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.memory_bank import JUDGED_CELLS, usual_distances
from pretrain.evaluate.splits import split_by_lot
from pretrain.evaluate.treatment import to_bytes, treat_all
from pretrain.flaws import add_flaws

STAGE = "recalibrated"
_FITTED_IMAGES = 256
"""Enough for a bank of a few thousand entries, and soon embedded on a CPU."""


@dataclass(frozen=True)
class RecalibrationRequest:
    """What a person asks for on the command line."""

    bundle: Path
    images: Path
    out: Path
    dispositions: Path | None = None
    keep_bank: bool = False
    target: CalibrationTarget | None = None
    """None asks for what the bundle before promised."""


@dataclass(frozen=True)
class Recalibration:
    """The new bundle, what was set anew, and how it does on parts that people have decided on."""

    manifest: Manifest
    bank_is_new: bool
    scales_are_new: bool
    left_out: tuple[str, ...]
    decided: dict[str, float | int | None]


@dataclass(frozen=True)
class _Sides:
    """Images that refresh the bank, those that calibrate (prepared, with and without a flaw), and decided ones."""

    fitted: ImageSet
    """Empty where the bank stays."""
    held_out: ImageSet
    flawed: Tensor
    defects: ImageSet
    false_alarms: ImageSet
    split: str


def recalibrate(request: RecalibrationRequest) -> Recalibration:
    """Make the renewed bundle at `request.out`. Raises KensaError."""
    before = open_bundle(request.bundle).manifest
    ledger = read_ledger(request.bundle)
    banks = GraphBanks(request.bundle / STUDENT_FILE)
    refits = banks.are_replaceable and not request.keep_bank
    if not refits and not request.keep_bank:
        say("note: the graph's memory banks have a form that only a new build can change: they are kept")
    sides = _load(request, before, ledger, refits=refits)
    with tempfile.TemporaryDirectory(prefix="kensa-recalibrate-") as folder:
        student = Path(shutil.copy(request.bundle / STUDENT_FILE, folder))
        if len(sides.fitted):
            banks.replace(_refreshed(banks, sides.fitted), student)
            level = GraphLevel(student)
            if level.is_there:
                level.replace(level.measure(sides.held_out.pixels), student)
        scales = GraphScales(student)
        if scales.are_there:
            scales.replace(scales.measure(sides.held_out.pixels.numpy()), student)
        scores = score_in_onnx(StudentSession(student), sides.held_out.pixels)
        target = request.target or target_of(before)
        calibrated = calibrate(scores, sides.held_out, sides.split, target, set(sides.false_alarms.paths))
        renewed = _renewed_ledger(ledger, before, request.bundle, student, sides, calibrated)
        metrics = {**before.metrics, STAGE: renewed.stages[STAGE].figures}
        renewal = Renewal(student, calibrated, renewed, metrics, STAGE)
        manifest = renew_bundle(request.bundle, before, request.out, renewal)
        decided = _judge_decided(StudentSession(student), sides, calibrated.thresholds)
    return Recalibration(manifest, len(sides.fitted) > 0, scales.are_there, calibrated.left_out, decided)


def _load(request: RecalibrationRequest, before: Manifest, ledger: Ledger, *, refits: bool) -> _Sides:
    plain = before.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    images = load_images(find_pictures(request.images), plain)
    decisions = read_dispositions(request.dispositions) if request.dispositions else {}
    found = match_dispositions(decisions, training_folder(request.images), images.paths)
    if decisions and not any(found):
        say(f"note: no picture of {request.images} is named in {request.dispositions}")
    normal = images.subset([place for place, one in enumerate(found) if one not in (CONFIRMED, UNCLEAR)])
    target = request.target or target_of(before)
    fitting, calibrating, how = _set_apart(normal, request, target, before.provenance.seed, refits=refits)
    generator = torch.Generator().manual_seed(before.provenance.seed)
    flawed = to_bytes(add_flaws(as_input(calibrating.pixels, torch.device("cpu")), generator).pixels)
    illumination = before.preprocessing.illumination

    def treated(some: ImageSet) -> ImageSet:
        return some.with_pixels(treat_all(some.pixels, illumination)) if len(some) else some

    def decided(decision: str) -> ImageSet:
        return treated(images.subset([place for place, one in enumerate(found) if one == decision]))

    split = _tell_split(calibrating, fitting, ledger, how)
    calibrated_with = calibrating.with_pixels(treat_all(calibrating.pixels, illumination))
    flawed = treat_all(flawed, illumination)
    return _Sides(treated(fitting), calibrated_with, flawed, decided(CONFIRMED), decided(FALSE_ALARM), split)


def _set_apart(
    normal: ImageSet, request: RecalibrationRequest, target: CalibrationTarget, seed: int, *, refits: bool
) -> tuple[ImageSet, ImageSet, str]:
    """Images for the bank, images for the thresholds, and how they were set apart. Raises CalibrationError."""
    everything = list(range(len(normal)))
    fitted, held_out, how = split_by_lot(normal, seed) if refits else ([], everything, "")
    if refits and len(held_out) < MIN_IMAGE_COUNT:
        fitted, held_out = [], everything
        say(f"note: {len(normal)} images are too few to refresh the memory bank too: it is kept")
    if len(held_out) < MIN_IMAGE_COUNT:
        needed = max(needed_image_count(one) for one in share_target(target))
        raise CalibrationError(
            f"{request.images}: {len(normal)} normal images",
            f"give at least {MIN_IMAGE_COUNT}; the promise needs {needed} to calibrate with",
        )
    return normal.subset(fitted), normal.subset(held_out), how


def target_of(before: Manifest) -> CalibrationTarget:
    """What the bundle before promised of both scores together: the reverse of how `calibrate` shares it out."""
    return join_promises(before.calibration.local_promise, before.calibration.global_promise)


def _tell_split(calibrating: ImageSet, fitted: ImageSet, ledger: Ledger, how: str) -> str:
    lots = set(calibrating.lots) - {""}
    known = (set(ledger.training_lots) | set(fitted.lots)) - {""}
    if not lots:
        return "by image; whether these lots were trained on is not known"
    if shared := sorted(lots & known):
        return f"by image; lots that were learned from too: {', '.join(shared)}"
    return how if how.startswith("by lot") else f"by lot; calibrated on: {', '.join(sorted(lots))}"


def _refreshed(banks: GraphBanks, fitted: ImageSet) -> list[BankValues]:
    """Half of each bank stands for what it stood for before, half for the new images."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(fitted), generator=generator)[:_FITTED_IMAGES]
    taps = banks.cells(fitted.pixels[chosen].numpy())
    return [_refresh(before, cells, generator) for before, cells in zip(banks.values(), taps, strict=True)]


def _refresh(before: BankValues, cells: np.ndarray, generator: torch.Generator) -> BankValues:
    new = cells_of(torch.from_numpy(cells).permute(0, 3, 1, 2))
    size = len(before.rows)
    # Numbered by their own places: the old entries' images are not known, but what was usual at them is.
    old = Cells(torch.from_numpy(before.rows.copy()), -1 - torch.arange(size))
    comes = draw_coreset(new, size - size // 2, generator)
    # Fewer cells than places: more of the old entries stay.
    stays = draw_coreset(old, size - len(comes), generator)
    both = Cells(torch.cat([stays.rows, comes.rows]), torch.cat([stays.owners, comes.owners]))
    usual_before = torch.from_numpy(before.usual.copy())
    prior = torch.cat([usual_before[-1 - stays.owners], usual_before.mean().expand(len(comes))])
    usual = usual_distances(both, some_cells(new, JUDGED_CELLS, generator), 1, prior)
    return BankValues(both.rows.numpy(), usual.numpy())


def _renewed_ledger(
    ledger: Ledger, before: Manifest, bundle: Path, student: Path, sides: _Sides, calibrated: Calibrated
) -> Ledger:
    """The ledger before, with an entry for the renewed form; it flips against the form before, on the same images."""
    pixels = torch.cat([sides.held_out.pixels, sides.flawed])
    scores = {
        "before": score_in_onnx(StudentSession(bundle / STUDENT_FILE), pixels),
        STAGE: score_in_onnx(StudentSession(student), pixels),
    }
    aurocs = {stage: flaw_auroc(found, len(sides.held_out)) for stage, found in scores.items()}
    entries = enter_stages(scores, {"before": before.thresholds, STAGE: calibrated.thresholds}, aurocs)
    lots = {*ledger.training_lots, *sides.fitted.lots}
    return ledger.model_copy(
        update={
            "stages": {**ledger.stages, STAGE: entries[STAGE]},
            "golden": with_onnx_scores(ledger, before),
            "training_lots": tuple(sorted(lots)),
            "renewed_from": before.bundle_id,
            "note": f"recalibrated from {before.bundle_id}, whose network it has",
        }
    )


def _judge_decided(session: StudentSession, sides: _Sides, thresholds: Thresholds) -> dict[str, float | int | None]:
    """Escapes among confirmed defects, and what is still failed or held of what people called a false alarm."""

    def verdicts(images: ImageSet) -> list[Verdict]:
        if not len(images):
            return []
        return verdicts_of(scores_of_parts(score_in_onnx(session, images.pixels), images)[0], thresholds)

    defects, false_alarms = verdicts(sides.defects), verdicts(sides.false_alarms)
    passed, failed = defects.count(Verdict.PASS), false_alarms.count(Verdict.FAIL)
    return {
        "confirmed_defect_count": len(defects),
        "escape_count": passed,
        "escape_rate": passed / len(defects) if defects else None,
        "false_alarm_count": len(false_alarms),
        "overkill_count": failed,
        "overkill_rate": failed / len(false_alarms) if false_alarms else None,
        "false_alarm_held_count": false_alarms.count(Verdict.HOLD),
    }
