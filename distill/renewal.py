"""A bundle made from another one: the same network, with what was set anew for it."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from distill.calibrate import Calibrated
from distill.golden import judge_golden_files
from distill.ledger import LEDGER_FILE, Ledger, StageScores, write_ledger
from distill.staging import refuse_to_replace, staging_beside
from inspection import __version__
from inspection.bundle.manifest import GOLDEN_FOLDER, STUDENT_FILE, Manifest
from inspection.bundle.self_test import run_self_test
from inspection.bundle.writer import write_bundle
from inspection.images.digest import sha256_of_file
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession


@dataclass(frozen=True)
class Renewal:
    """What differs from the bundle before."""

    student: Path
    calibrated: Calibrated
    ledger: Ledger
    metrics: dict[str, dict[str, float | None]]
    how: str
    """Appended to the provenance's recipe."""


def renew_bundle(source: Path, before: Manifest, out: Path, renewal: Renewal) -> Manifest:
    """Write the bundle that `renewal` makes of the one at `source`; it has scored its golden images by then.

    The parity certificate stays the one of the network's export: only the ledger tells what was done since.
    """
    refuse_to_replace(out)
    with staging_beside(out) as staging:
        shutil.copyfile(renewal.student, staging / STUDENT_FILE)
        shutil.copytree(source / GOLDEN_FOLDER, staging / GOLDEN_FOLDER)
        provenance = before.provenance.model_copy(
            update={"recipe": f"{before.provenance.recipe} + {renewal.how}", "kensa_version": __version__}
        )
        manifest = before.model_copy(
            update={
                "created_at": datetime.now(UTC),
                "thresholds": renewal.calibrated.thresholds,
                "calibration": renewal.calibrated.calibration,
                "metrics": renewal.metrics,
                "provenance": provenance,
            }
        )
        inspector = Inspector(StudentSession(staging / STUDENT_FILE), manifest)
        golden = judge_golden_files(staging, [image.file for image in before.golden_images], inspector)
        write_ledger(staging, renewal.ledger)
        files = [STUDENT_FILE, LEDGER_FILE, *(image.file for image in golden)]
        manifest = manifest.model_copy(
            update={"golden_images": golden, "files_sha256": {name: sha256_of_file(staging / name) for name in files}}
        )
        run_self_test(staging, Inspector(StudentSession(staging / STUDENT_FILE), manifest))
        return write_bundle(staging, out, manifest)


def with_onnx_scores(ledger: Ledger, before: Manifest) -> dict[str, dict[str, StageScores]]:
    """The golden scores of `ledger`, with what the ONNX form before the renewal said beside them."""
    onnx = {
        image.file: StageScores(local_score=image.local_score, global_score=image.global_score)
        for image in before.golden_images
    }
    return {file: {**ledger.golden.get(file, {}), "onnx": scores} for file, scores in onnx.items()}
