"""The student in 8-bit integers: a bundle of its own, with thresholds from its own scores, where it is worth one.

Static quantisation of the convolutions (QDQ, per channel); bank and scores stay in float, since they rank small
differences. What the ledger does not allow, or what is not faster, is not written.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor

from distill.calibrate import Calibrated, calibrate
from distill.interleave import time_in_turns
from distill.ledger import Ledger, enter_stages, read_ledger
from distill.recalibrate import target_of
from distill.renewal import Renewal, renew_bundle, with_onnx_scores
from distill.sides import HeldOut, load_sides
from distill.stages import flaw_auroc, score_in_onnx
from inspection.bundle.manifest import STUDENT_FILE, Manifest
from inspection.bundle.reader import open_bundle
from inspection.scoring.session import INPUT, StudentSession
from pretrain.run_directory import RunDirectory

STAGE = "int8"
_CALIBRATION_IMAGES = 64
_MOST_AUROC_LOST = 0.005
_MOST_FLIPS = 0.02
_TIMED_S = 2.0


@dataclass(frozen=True)
class Quantisation:
    """The int8 bundle's manifest, or why there is none; and what decided it."""

    manifest: Manifest | None
    reason: str
    latency_ms: dict[str, float]
    """Of `onnx` and `int8`, one image, measured in turns."""


def quantise(bundle: Path, teacher: Path, images: Path, out: Path, *, ledger_decides: bool = True) -> Quantisation:
    """Try int8 on the student of `bundle`; its bundle is at `out` only where it is kept. Raises KensaError.

    Without `ledger_decides` it is always written, for measuring.
    """
    before = open_bundle(bundle).manifest
    run = RunDirectory(teacher)
    trained, held_out = load_sides(images, run, run.read_record(), before.provenance.seed)
    with tempfile.TemporaryDirectory(prefix="kensa-quantise-") as folder:
        student = Path(folder) / STUDENT_FILE
        _write_int8(bundle / STUDENT_FILE, student, trained.pixels)
        sessions = {"onnx": StudentSession(bundle / STUDENT_FILE), STAGE: StudentSession(student)}
        calibrated = calibrate(
            score_in_onnx(sessions[STAGE], held_out.clean), held_out.images, before.calibration.split, target_of(before)
        )
        ledger = _ledger(bundle, before, sessions, held_out, calibrated)
        latency_ms = _time(sessions, held_out.clean[:1].numpy())
        if ledger_decides and (reason := _objection(ledger, latency_ms)):
            return Quantisation(None, reason, latency_ms)
        metrics = {**before.metrics, STAGE: ledger.stages[STAGE].figures}
        manifest = renew_bundle(bundle, before, out, Renewal(student, calibrated, ledger, metrics, STAGE))
    return Quantisation(manifest, _objection(ledger, latency_ms) or "the ledger allows it and it is faster", latency_ms)


def _write_int8(source: Path, target: Path, pixels: Tensor) -> None:
    chosen = torch.linspace(0, len(pixels) - 1, min(_CALIBRATION_IMAGES, len(pixels))).long()
    prepared = target.with_name("prepared.onnx")
    with _without_chatter():
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Images(pixels[chosen].numpy()),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _ledger(
    bundle: Path, before: Manifest, sessions: dict[str, StudentSession], held_out: HeldOut, calibrated: Calibrated
) -> Ledger:
    ledger = read_ledger(bundle)
    scores = {stage: score_in_onnx(session, held_out.both) for stage, session in sessions.items()}
    aurocs = {stage: flaw_auroc(found, len(held_out.clean)) for stage, found in scores.items()}
    entries = enter_stages(scores, {"onnx": before.thresholds, STAGE: calibrated.thresholds}, aurocs)
    return ledger.model_copy(
        update={
            "stages": {**ledger.stages, STAGE: entries[STAGE]},
            "golden": with_onnx_scores(ledger, before),
            "renewed_from": before.bundle_id,
            "note": f"the int8 form of {before.bundle_id}; the certificate is of its float form",
        }
    )


def _objection(ledger: Ledger, latency_ms: dict[str, float]) -> str | None:
    """Why int8 may not be shipped; None where nothing speaks against it."""
    float_form, int8 = ledger.stages["onnx"], ledger.stages[STAGE]
    before, after = float_form.synthetic_flaw_auroc or 0.0, int8.synthetic_flaw_auroc or 0.0
    if before - after > _MOST_AUROC_LOST:
        return f"AUROC of synthetic flaws falls from {before:.3f} to {after:.3f}, more than {_MOST_AUROC_LOST:g}"
    flips, most = int8.verdict_flip_count or 0, max(1, round(_MOST_FLIPS * int8.image_count))
    if flips > most:
        return f"{flips} of {int8.image_count} verdicts flip, more than {most}"
    if latency_ms[STAGE] >= latency_ms["onnx"]:
        return f"it is no faster: {latency_ms[STAGE]:.1f} ms an image, float {latency_ms['onnx']:.1f} ms"
    return None


def _time(sessions: dict[str, StudentSession], image: np.ndarray) -> dict[str, float]:
    return time_in_turns({name: partial(session.score, image) for name, session in sessions.items()}, _TIMED_S)


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Hands out uint8 [N, S, S, 3] one by one."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._rest: Iterator[np.ndarray] = iter(pixels)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._rest, None)
        return None if image is None else {INPUT: image[None]}


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """The quantiser advises on standard output and in the log; what matters is in the ledger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
