"""Steps 4 to 6: a student of the night's teacher, its limits set on other lots, and its proofs computed again."""

import shutil
from pathlib import Path

from inspection.bundle.manifest import Manifest
from inspection.bundle.reader import read_manifest
from service.nightly.steps.findings import Figures, Findings
from service.nightly.steps.limits import ask_about_strays, choose_limits
from service.nightly.steps.pretrain import share_of_budget
from service.nightly.workshop import Bench


def distill(bench: Bench, found: Findings) -> Figures:
    """A bundle whose limits come from lots that the run held out. Raises NightEnded."""
    folder = bench.folder
    minutes = share_of_budget(bench, bench.line.training.distill_share)
    words: list[str | Path] = [
        "build",
        "--teacher",
        folder.teacher,
        "--images",
        folder.pictures,
        "--out",
        folder.student,
    ]
    words += ["--recipe", bench.line.training.student_recipe, "--minutes", f"{minutes:g}"]
    bench.trainer.distill(*words, deadline=bench.deadline)
    return {"minutes": minutes, **_figures(read_manifest(folder.student))}


def calibrate(bench: Bench, found: Findings) -> Figures:
    """The limits from pictures of other lots or days than any training has seen, where the night has them.

    They promise what pays by what people have decided, within the line's budgets; whom a person has cleared is no
    stray, and strays that nobody has looked at are put into the queue.
    """
    folder = bench.folder
    groups = found["screen"]["calibration_groups"]
    if not groups:
        # All is of one lot: the run has held pictures of it out, and the manifest's warning says what that is worth.
        shutil.rmtree(folder.challenger, ignore_errors=True)
        shutil.copytree(folder.student, folder.challenger)
        return {"is_other_lot": False, "groups": [], **_figures(read_manifest(folder.challenger))}
    target = choose_limits(bench, found)
    words: list[str | Path] = ["recalibrate", folder.student, "--images", folder.calibration]
    words += ["--out", folder.challenger, "--keep-bank"]
    words += ["--dispositions", folder.decisions_file] if folder.decisions_file.is_file() else []
    words += ["--flagged-rate", f"{target.flagged_rate:g}", "--confidence", f"{target.confidence:g}"]
    words += ["--failed-rate", f"{target.failed_rate:g}", "--local-share", f"{target.local_share:g}"]
    answer = bench.trainer.distill(*words, deadline=bench.deadline)
    strays = ask_about_strays(bench, found, [Path(name).stem for name in answer.get("left_out", [])])
    told = {"target": target.model_dump(mode="json"), "strays": strays}
    return {"is_other_lot": True, "groups": groups, **told, **_figures(read_manifest(folder.challenger))}


def prove(bench: Bench, found: Findings) -> Figures:
    """The certificate of the export, and every proof that `distill verify` can compute again."""
    answer = bench.trainer.distill("verify", bench.folder.challenger, deadline=bench.deadline)
    parity = read_manifest(bench.folder.challenger).parity
    failed = sorted(name for name, passed in dict(answer.get("checks", {})).items() if not passed)
    return {
        "failed_proofs": failed,
        "verdict_flip_count": parity.verdict_flip_count,
        "largest_score_difference": parity.largest_score_difference,
        "tolerance": parity.tolerance,
    }


def _figures(manifest: Manifest) -> Figures:
    calibration = manifest.calibration
    return {
        "bundle_id": manifest.bundle_id,
        "calibrated_on": calibration.split,
        "calibration_count": calibration.image_count,
        "warning": calibration.warning,
    }
