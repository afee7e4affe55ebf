"""All that was found, as one object: what poc.json holds and what the page shows."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from distill.parts import scores_of_parts
from distill.poc.conduct import Conducted, Place, PocRequest
from distill.poc.curve import Point, enough, read_point
from distill.poc.decision import Decision, decide
from distill.poc.figures import Figures, stage_figures, verdict_rates
from distill.poc.labeled import LabeledImages, load_labeled
from distill.poc.plant import Plant, cost_per_shift
from distill.poc.resampling import ROUNDS
from distill.poc.stage_results import StageResult, load_latency, load_result
from distill.stages import score_in_onnx
from inspection.bundle.manifest import Manifest
from inspection.bundle.reader import open_bundle, read_manifest
from inspection.images.folders import find_pictures
from inspection.inspector import Inspector
from inspection.scoring.session import Scores
from pretrain.data.image_set import load_images
from pretrain.run_directory import RunDirectory

STAGES = ("teacher", "student", "onnx", "int8")


@dataclass(frozen=True)
class HeldOutScores:
    """The ONNX form on unlabeled pictures that nothing learned from."""

    paths: list[Path]
    scores: Scores


@dataclass(frozen=True)
class Report:
    """Everything about one proof of concept."""

    manifest: Manifest
    labeled: LabeledImages | None
    results: dict[str, StageResult]
    figures: dict[str, Figures | None]
    held_out: HeldOutScores
    points: list[Point]
    decision: Decision
    document: dict[str, object]
    """poc.json."""


def assemble(request: PocRequest, conducted: Conducted, plant: Plant) -> Report:
    """Read what the stages left, compute every figure, decide. Nothing is trained or chosen here."""
    place = Place(request.out)
    inspector = open_bundle(place.bundle)
    manifest = inspector.manifest
    labeled = load_labeled(request.labels, inspector) if request.labels else None
    results = _results(place, labeled)
    int8 = json.loads(place.int8_file.read_text(encoding="utf-8"))
    figures = _figures(results, labeled, manifest, place, int8_kept=int8["kept"])
    points = [
        read_point(share, count, place.curve(share), labeled)
        for share, count in conducted.curve_counts.items()
        if count
    ]
    held_out = _score_held_out(request, place, inspector)
    onnx = figures["onnx"] if labeled is not None else None
    defective = int(labeled.is_defective.sum()) if labeled is not None else 0
    decision = decide(onnx, manifest.calibration, plant.goals, defective)
    document: dict[str, object] = {
        "decision": decision.answer.value,
        "reason": decision.reason,
        "stages": figures,
        "latency_ms": _latency(place, int8),
        "minutes": round(sum(conducted.seconds.values()) / 60, 2),
        "minutes_by_stage": {name: round(value / 60, 2) for name, value in conducted.seconds.items()},
        "split": _split(manifest, labeled, held_out),
        "learning_curve": {"points": [asdict(point) for point in points], "enough": enough(points)},
        "int8": {"kept": int8["kept"], "reason": int8["reason"]},
        "ledger": dict(manifest.metrics),
        "thresholds": manifest.thresholds.model_dump(mode="json"),
        "promise": _promise(manifest),
        "costs": _costs(onnx, plant),
        "not_measured": not_measured(labeled),
        "bundle": str(place.bundle),
        "bundle_id": manifest.bundle_id,
        "recipe": manifest.provenance.recipe,
    }
    return Report(manifest, labeled, results, figures, held_out, points, decision, document)


def not_measured(labeled: LabeledImages | None) -> list[str]:
    """What these pictures cannot tell, in sentences."""
    if labeled is None:
        return [
            "Escapes and overkill: there are no labeled pictures, so every figure here is of synthetic flaws.",
            "Which of the flagged unlabeled pictures are real defects: look at the most suspicious ones below.",
        ]
    missing = []
    if not labeled.is_defective.any() or labeled.is_defective.all():
        kind = "good" if labeled.is_defective.all() else "defective"
        missing.append(f"Escapes against overkill: test/ holds no {kind} pictures.")
    if not any(picture.mask for picture in labeled.pictures):
        missing.append("Where defects are found (pixel AUROC, AUPRO): there are no masks in ground_truth/.")
    if labeled.unit == "image":
        missing.append("How figures vary from lot to lot: the labeled pictures lie in no lot folders.")
    return missing


def _results(place: Place, labeled: LabeledImages | None) -> dict[str, StageResult]:
    found = {stage: load_result(place.judged, stage) for stage in STAGES} if labeled is not None else {}
    return {stage: result for stage, result in found.items() if result is not None}


def _figures(
    results: dict[str, StageResult],
    labeled: LabeledImages | None,
    manifest: Manifest,
    place: Place,
    *,
    int8_kept: bool,
) -> dict[str, Figures | None]:
    figures: dict[str, Figures | None] = {}
    metrics = dict(manifest.metrics)
    if int8_kept:
        metrics["int8"] = read_manifest(place.int8_bundle).metrics["int8"]
    for stage in STAGES:
        if stage not in metrics:
            figures[stage] = None
            continue
        measured = stage_figures(results[stage], labeled) if labeled is not None and stage in results else _unknown()
        figures[stage] = {**measured, **metrics[stage]}
    return figures


def _unknown() -> Figures:
    names = ("image_auroc", "pixel_auroc", "aupro", "escape_rate_at_overkill_1pct", "escape_rate_at_overkill_5pct")
    return {key: None for name in names for key in (name, f"{name}_interval")} | {"by_defect": {}}


def _score_held_out(request: PocRequest, place: Place, inspector: Inspector) -> HeldOutScores:
    images = load_images(find_pictures(request.data), inspector.manifest.preprocessing)
    seen = RunDirectory(place.run).read_trained_digests()
    others = images.subset([number for number, digest in enumerate(images.digests) if digest not in seen])
    scores, paths = scores_of_parts(score_in_onnx(inspector.session, others.pixels), others)
    return HeldOutScores(list(paths), scores)


def _latency(place: Place, int8: dict[str, dict[str, float]]) -> dict[str, float | None]:
    """Of one image, by stage. int8 was timed in turns with ONNX later: its share of that time is applied here."""
    measured = load_latency(place.judged)
    pair = int8["latency_ms"]
    ratio = pair["int8"] / pair["onnx"] if int8["kept"] else None
    values: dict[str, float | None] = {**measured, "int8": measured["onnx"] * ratio if ratio is not None else None}
    return {name: round(value, 3) if value is not None else None for name, value in values.items()}


def _split(manifest: Manifest, labeled: LabeledImages | None, held_out: HeldOutScores) -> dict[str, object]:
    defective = labeled.is_defective if labeled is not None else np.zeros(0, bool)
    return {
        "train": manifest.provenance.training_image_count,
        "held_out": len(held_out.paths),
        "calibration": manifest.calibration.image_count,
        "how": manifest.calibration.split,
        "test_good": int((~defective).sum()),
        "test_defective": int(defective.sum()),
        "test_unjudgeable": int((~labeled.judgeable).sum()) if labeled is not None else 0,
        "bootstrap": f"{ROUNDS} redrawn test sets, by {labeled.unit}" if labeled is not None else None,
        "test_chose_nothing": True,
    }


def _promise(manifest: Manifest) -> dict[str, object]:
    local, whole = manifest.calibration.local_promise, manifest.calibration.global_promise
    return {
        "flagged_rate_bound": local.flagged_rate_bound + whole.flagged_rate_bound,
        "confidence": 1 - (1 - local.confidence) - (1 - whole.confidence),
        "image_count": manifest.calibration.image_count,
        "needed_image_count": max(local.needed_image_count, whole.needed_image_count),
        "target_rate": local.target_rate + whole.target_rate,
        "warning": manifest.calibration.warning,
    }


def _costs(onnx: Figures | None, plant: Plant) -> dict[str, object]:
    rates = verdict_rates(onnx) if onnx is not None else None
    inputs = plant.model_dump(mode="json", exclude={"goals"})
    if rates is None:
        return {"inputs": inputs, "rates": None, "per_shift": None}
    return {"inputs": inputs, "rates": rates.model_dump(), "per_shift": cost_per_shift(plant, rates)}
