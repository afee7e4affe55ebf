"""Step 2: the guard. Of the frozen pictures, those to learn from and those that set the limits are laid out."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from inspection.bundle.manifest import Manifest
from inspection.images.digest import sha256_of_bytes, sha256_of_set
from service.challenge.operations import challenge_inspection_ids
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.nightly.bundles import read_manifest_of
from service.nightly.endings import NightEnded
from service.nightly.guard.candidate import Candidate, Look
from service.nightly.guard.looks import look_at
from service.nightly.guard.selection import Selection, select
from service.nightly.record import find_part_ids, find_rows, find_said
from service.nightly.steps.findings import Figures, Findings
from service.nightly.tables import Reason
from service.nightly.workshop import Bench

_LEAST_LEARNED = 16


def screen(bench: Bench, found: Findings) -> Figures:
    """Raises NightEnded where the guard leaves too little."""
    snapshot = bench.folder.read(bench.folder.snapshot_file, found["freeze"]["snapshot_sha256"])
    candidates, groups = _read_candidates(bench, snapshot)
    selection = select(candidates, bench.line.guard)
    if len(selection.kept) < _LEAST_LEARNED:
        raise NightEnded(
            Reason.NO_NEW_IMAGES,
            f"the guard leaves {len(selection.kept)} of {len(candidates)} pictures, {_LEAST_LEARNED} are needed",
            {"left_out": selection.counts},
        )
    learned, calibrating = set_apart(selection.kept, groups, bench.line.snapshot.calibration_share)
    _lay_out(bench, bench.folder.pictures, learned, groups)
    _lay_out(bench, bench.folder.calibration, calibrating, groups)
    sha256 = bench.folder.write(bench.folder.selection_file, _describe(selection, learned, calibrating))
    return {
        "selection_sha256": sha256,
        "learned_count": len(learned),
        "learned_sha256": sha256_of_set(one.image for one in learned),
        "calibration_count": len(calibrating),
        "calibration_groups": sorted({groups[one.inspection_id] for one in calibrating}),
        "left_out": selection.counts,
        "outlier_count": len(selection.outliers),
    }


def set_apart(
    kept: Sequence[Candidate], groups: dict[int, str], share: float
) -> tuple[list[Candidate], list[Candidate]]:
    """(learned from, setting the limits): the newest whole lots or days, as many as make `share`, at most half.

    `groups` names the lot or day of each inspection. Where all is of one, nothing is set apart.
    """
    members: dict[str, list[Candidate]] = defaultdict(list)
    for one in kept:
        members[groups[one.inspection_id]].append(one)
    calibrating: list[Candidate] = []
    for group in sorted(members, key=lambda name: max(one.inspection_id for one in members[name]), reverse=True):
        if len(calibrating) >= share * len(kept):
            break
        if len(calibrating) + len(members[group]) <= len(kept) / 2:
            calibrating += members[group]
    chosen = {one.inspection_id for one in calibrating}
    return [one for one in kept if one.inspection_id not in chosen], calibrating


def _read_candidates(bench: Bench, snapshot: Figures) -> tuple[list[Candidate], dict[int, str]]:
    """All frozen pictures with what is on record of them, and the lot or day of each inspection."""
    with bench.workshop.database.reading() as session:
        rows = find_rows(session, [*snapshot["new"], *snapshot["older"]])
        said = find_said(session, rows)
        judged_by = [part[1] for part in snapshot["golden"]] + [part[0] for part in snapshot["replay"]]
        golden_parts = find_part_ids(session, judged_by)
        shown = set(session.scalars(challenge_inspection_ids(0, snapshot["upto"])))
    manifest = read_manifest_of(bench.workshop.settings, snapshot["champion_id"])
    kept_out = set(snapshot["kept_out"])
    groups = {row.id: row.lot.name if row.lot else f"{row.received_at:%Y-%m-%d}" for row in rows}
    candidates = [
        Candidate(
            image=str(row.image_sha256),
            inspection_id=row.id,
            part=row.part.name,
            lot=row.lot.name if row.lot else None,
            station=row.station.name,
            image_number=row.image_number,
            verdict=row.verdict,
            part_score=row.part_score,
            said=said[row.part_id],
            look=_look(bench, row, manifest),
            is_golden=row.part_id in golden_parts,
            is_kept_out=row.image_sha256 in kept_out,
            is_challenge=row.id in shown,
        )
        for row in rows
    ]
    return candidates, groups


def _look(bench: Bench, row: StoredInspection, manifest: Manifest) -> Look | None:
    try:
        data = bench.workshop.image_store.get(str(row.image_sha256))
    except NotFound:
        return None
    return look_at(data, name=f"inspection {row.id}", significant_bits=manifest.preprocessing.significant_bits)


def _lay_out(bench: Bench, folder: Path, chosen: Sequence[Candidate], groups: dict[int, str]) -> None:
    """One folder a lot, named by a digest: a lot's own name may be no name for a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for one in chosen:
        place = folder / sha256_of_bytes(groups[one.inspection_id].encode())[:12]
        place.mkdir(parents=True, exist_ok=True)
        # The trainer goes by the bytes, whatever the name says.
        (place / f"{one.image}.png").write_bytes(bench.workshop.image_store.get(one.image))


def _describe(selection: Selection, learned: Sequence[Candidate], calibrating: Sequence[Candidate]) -> Figures:
    return {
        "learned": [one.image for one in learned],
        "calibrating": [one.image for one in calibrating],
        "left_out": [[one.inspection_id, one.image, why.value] for one, why in selection.left_out],
        "outliers": [vars(outlier) for outlier in selection.outliers],
    }
