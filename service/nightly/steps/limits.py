"""What the calibration goes by: what people said of its pictures, what its limits promise, and who looks again."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from inspection.bundle.reader import open_bundle
from inspection.calibration.both_limits import join_promises
from inspection.calibration.thresholds import CalibrationTarget
from inspection.inspector import Inspector
from inspection.verdict import Inspection, Verdict
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.nightly.endings import NightEnded
from service.nightly.guard.candidate import Said
from service.nightly.limits import Budgets, Scored, choose_target
from service.nightly.record import find_rows, find_said
from service.nightly.steps.findings import Findings
from service.nightly.tables import Reason
from service.nightly.workshop import Bench
from service.registry.operations import put_before_a_person
from service.review.operations import QueueEntry


def choose_limits(bench: Bench, found: Findings) -> CalibrationTarget:
    """What the limits are to promise; what people said of the pictures is written beside them. Raises NightEnded."""
    snapshot = bench.folder.read(bench.folder.snapshot_file, found["freeze"]["snapshot_sha256"])
    student = open_bundle(bench.folder.student, threads=1)
    with bench.workshop.database.reading() as session:
        rows = find_calibrating(bench, found, session)
        said = find_said(session, rows)
        defects = find_rows(session, snapshot["defects"])
    cleared = {str(row.image_sha256) for row in rows if said[row.part_id] is Said.FALSE_ALARM}
    _write_decisions(bench.folder.decisions_file, cleared)
    judged = _inspect(bench, student, rows)
    known = _inspect(bench, student, defects)
    new_ids = set(snapshot["new"])
    confirmed_count = sum(number in new_ids for number in snapshot["defects"])
    calibration, gate = student.manifest.calibration, bench.line.gate
    return choose_target(
        _scored([answer for _, answer in judged]),
        np.array([str(row.image_sha256) in cleared for row, _ in judged], dtype=bool),
        _scored([answer for _, answer in known]),
        base=join_promises(calibration.local_promise, calibration.global_promise),
        budgets=Budgets(flagged=gate.flagged_capacity, failed=gate.overkill_budget),
        defect_rate=(confirmed_count + 0.5) / (len(new_ids) + 1),
        costs=bench.line.costs,
    )


def ask_about_strays(bench: Bench, found: Findings, images: Sequence[str]) -> list[int]:
    """Pictures that the calibration left out as likely defects, though they had passed, wait for a person; their ids.

    Twice is once; what people have decided about stays decided.
    """
    with bench.workshop.database.reading() as session:
        rows = [row for row in find_calibrating(bench, found, session) if row.image_sha256 in images]
    passed = [row for row in rows if row.verdict is Verdict.PASS]
    with bench.workshop.database.writing() as session:
        put_before_a_person(session, [QueueEntry(row.id, Verdict.HOLD, row.part_score) for row in passed])
    return [row.id for row in passed]


def find_calibrating(bench: Bench, found: Findings, session: Session) -> list[StoredInspection]:
    """One row for each picture that is to set the limits."""
    selection = bench.folder.read(bench.folder.selection_file, found["screen"]["selection_sha256"])
    snapshot = bench.folder.read(bench.folder.snapshot_file, found["freeze"]["snapshot_sha256"])
    wanted = set(selection["calibrating"])
    rows = find_rows(session, [*snapshot["new"], *snapshot["older"]])
    return list({row.image_sha256: row for row in rows if row.image_sha256 in wanted}.values())


def _write_decisions(path: Path, cleared: set[str]) -> None:
    """No file where nobody has said anything."""
    path.unlink(missing_ok=True)
    if cleared:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("image", "decision"), *((name, "false_alarm") for name in sorted(cleared))])


def _inspect(
    bench: Bench, student: Inspector, rows: Sequence[StoredInspection]
) -> list[tuple[StoredInspection, Inspection]]:
    """Those that it can judge. Raises NightEnded at the end of the night's time."""
    judged = []
    for row in rows:
        if time.time() > bench.deadline:
            raise NightEnded(Reason.BUDGET_SPENT, "pictures were still being looked at when the night's time was over")
        try:
            data = bench.workshop.image_store.get(str(row.image_sha256))
        except NotFound:
            continue
        answer = student.inspect(data, name=f"inspection {row.id}")
        if answer.local_score is not None:
            judged.append((row, answer))
    return judged


def _scored(answers: Sequence[Inspection]) -> Scored:
    return Scored(
        np.array([answer.local_score for answer in answers], dtype=float),
        np.array([answer.global_score for answer in answers], dtype=float),
    )
