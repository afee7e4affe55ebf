"""The guard's proof: what would it cost if defects slipped through? Known ones are mixed into copies of the pictures.

One copy stays clean. Each other gets defects until they make its share; a teacher and a student are trained on every
copy, for the same time and from the same start, and those of the mixed ones are compared on the golden set with that of
the clean one. Nothing is decided by it, and nothing of it stays but its figures.
"""

import shutil
import time
from itertools import cycle, islice
from pathlib import Path

import structlog

from inspection.bundle.reader import open_bundle
from inspection.errors import BundleError
from inspection.inspector import Inspector
from inspection.verdict import Verdict
from service.errors import NotFound
from service.nightly.endings import NightEnded
from service.nightly.guard.candidate import Said
from service.nightly.record import find_rows
from service.nightly.steps.drawn_flaws import DONE, FLAWS_FOLDER
from service.nightly.steps.findings import Figures, Findings
from service.nightly.steps.judging import Judged, auroc, judge_with
from service.nightly.steps.pretrain import find_start
from service.nightly.workshop import Bench

log = structlog.get_logger("kensa.nightly")
_PRETRAIN_SHARE, _DISTILL_SHARE = 0.5, 0.3
_LEAST_MINUTES = 0.05


def heal(bench: Bench, found: Findings) -> Figures:
    """Ends no night: what it cannot do it says in `trouble`."""
    plan = bench.line.healing
    minutes = plan.minutes_of(bench.night.minutes)
    if not minutes:
        return {"is_asked": False}
    snapshot = bench.folder.read(bench.folder.snapshot_file, found["freeze"]["snapshot_sha256"])
    defects, are_real = _find_defects(bench, snapshot)
    rows: list[Figures] = []
    trouble = None if defects else "there is no known defect, and none was drawn"
    if defects:
        each = minutes / (1 + len(plan.shares))
        truths = [(number, defect) for _, number, defect in snapshot["golden"]]
        try:
            # The challenger is no yardstick: it was trained for longer, and its limits come from other lots.
            clean, _ = _train_copy(bench, found, defects, 0.0, each)
            for share in plan.shares:
                mixed, injected = _train_copy(bench, found, defects, share, each)
                golden = judge_with(bench, clean, mixed)(truths)
                rows.append({"share": share, "injected_count": injected, **_compare(golden)})
        except (NightEnded, BundleError) as error:
            trouble = str(error)
            log.warning("healing_ended", night=bench.night.name, detail=trouble)
        finally:
            shutil.rmtree(_folder(bench), ignore_errors=True)
    return {"is_asked": True, "are_real": are_real, "minutes": minutes, "rows": rows, "trouble": trouble}


def _train_copy(
    bench: Bench, found: Findings, defects: list[bytes], share: float, minutes: float
) -> tuple[Inspector, int]:
    """A student that has learned from a copy with that share of defects, and their number.

    Raises NightEnded, BundleError.
    """
    folder = _folder(bench) / f"{share:g}"
    shutil.rmtree(folder, ignore_errors=True)
    injected = _mix(bench.folder.pictures, folder / "pictures", defects, share)
    deadline = time.time() + minutes * 60
    training = bench.line.training
    lengths = [f"{max(minutes * part, _LEAST_MINUTES):g}" for part in (_PRETRAIN_SHARE, _DISTILL_SHARE)]
    words: list[str | Path] = ["train", training.recipe, "--images", folder / "pictures", "--out", folder / "teacher"]
    words += ["--minutes", lengths[0]]
    start = find_start(bench, found["freeze"]["champion_id"])
    words += ["--init", start] if start else []
    bench.trainer.pretrain(*words, deadline=deadline)
    words = ["build", "--teacher", folder / "teacher", "--images", folder / "pictures", "--out", folder / "student"]
    words += ["--recipe", training.student_recipe, "--minutes", lengths[1]]
    bench.trainer.distill(*words, deadline=deadline)
    student = open_bundle(folder / "student")
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    return student, injected


def _compare(golden: list[Judged]) -> Figures:
    """The clean copy's student stands in the champion's place, a mixed one's in the challenger's."""
    defective = [one.part for one in golden if one.part.defect is not None]
    return {
        "count": len(defective),
        "clean_escapes": sum(part.champion is Verdict.PASS for part in defective),
        "escapes": sum(part.challenger is Verdict.PASS for part in defective),
        "clean_auroc": auroc(golden, lambda one: one.champion_score),
        "auroc": auroc(golden, lambda one: one.challenger_score),
    }


def _mix(clean: Path, mixed: Path, defects: list[bytes], share: float) -> int:
    """Copy the lots, and spread defects over them until they make `share` of all; each lot gets its part.

    Whole lots are held out of training: defects in a lot of their own might never be learned from.
    """
    shutil.copytree(clean, mixed)
    if not share:
        return 0
    lots = sorted(path for path in mixed.iterdir() if path.is_dir())
    count = sum(1 for _ in mixed.rglob("*.png"))
    wanted = max(round(count * share / (1 - share)), 1)
    for number, (lot, data) in enumerate(islice(zip(cycle(lots), cycle(defects), strict=False), wanted)):
        (lot / f"injected-{number}.png").write_bytes(data)
    return wanted


def _find_defects(bench: Bench, snapshot: Figures) -> tuple[list[bytes], bool]:
    """(pictures, whether they are real): confirmed ones that the gate does not judge by, else drawn ones."""
    confirmed = [number for number, said in snapshot["replay"] if said == Said.CONFIRMED_DEFECT]
    with bench.workshop.database.reading() as session:
        rows = find_rows(session, confirmed)
    real = []
    for row in rows:
        try:
            real.append(bench.workshop.image_store.get(str(row.image_sha256)))
        except NotFound:
            continue
    if real:
        return real, True
    drawn = [path.parent for path in (bench.workshop.nights_folder / FLAWS_FOLDER).glob(f"*/{DONE}")]
    pictures = [path for folder in drawn[:1] for path in sorted(folder.glob("*.png"))]
    return [path.read_bytes() for path in pictures], False


def _folder(bench: Bench) -> Path:
    return bench.folder.root / "healing"
