"""Step 1: the pictures that this night looks at, the golden set and the replay, written down for good."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.nightly.endings import NightEnded
from service.nightly.golden import GoldenSet, find_golden_set
from service.nightly.golden_draw import draw_golden
from service.nightly.guard.candidate import Said
from service.nightly.kept_out import find_kept_out
from service.nightly.nights import find_learned_upto
from service.nightly.record import draw_older_ids, find_new_ids, find_newest_id, find_rows, find_station_ids
from service.nightly.steps.findings import Figures, Findings
from service.nightly.tables import Reason
from service.nightly.workshop import Bench
from service.registry.operations import find_anchor_id, find_champion_id
from service.review.operations import find_standing_decisions, standing_decisions

_REPLAYED = 500
_DEFECTS = 500


def freeze(bench: Bench, found: Findings) -> Figures:
    """Raises NightEnded where there is no champion, or too little that is new."""
    plan = bench.line.snapshot
    if plan.draws_golden:
        draw_golden(bench.workshop.database, bench.line, author=f"night {bench.night.name}")
    with bench.workshop.database.reading() as session:
        champion_id = find_champion_id(session, bench.line.scope)
        if champion_id is None:
            raise NightEnded(Reason.NO_CHAMPION, "nothing judges here yet: start the service with a bundle first")
        station_ids = find_station_ids(session, bench.line)
        above, upto = find_learned_upto(session, bench.line.name), find_newest_id(session)
        new = find_new_ids(session, station_ids, above=above, upto=upto, limit=plan.most_new)
        if len(new) < plan.least_new:
            raise NightEnded(
                Reason.NO_NEW_IMAGES, f"{len(new)} new pictures, {plan.least_new} are needed", {"new_count": len(new)}
            )
        wanted = round(len(new) * plan.replay_share / (1 - plan.replay_share))
        older = draw_older_ids(session, station_ids, upto=min(above, new[0] - 1), count=wanted, seed=bench.night.id)
        golden = _of_line(session, find_golden_set(session), station_ids)
        snapshot = {
            "night": bench.night.name,
            "champion_id": champion_id,
            "anchor_id": find_anchor_id(session, bench.line.scope),
            "above": above,
            "upto": upto,
            "new": new,
            "older": older,
            "golden": [[part.image, part.inspection_id, part.defect] for part in golden.parts],
            "replay": _find_replay(session, station_ids, golden),
            "defects": _find_defects(session, station_ids, golden),
            "kept_out": sorted(one.image for one in find_kept_out(session)),
        }
    sha256 = bench.folder.write(bench.folder.snapshot_file, snapshot)
    return {
        "snapshot_sha256": sha256,
        "champion_id": champion_id,
        "upto": upto,
        "new_count": len(new),
        "older_count": len(older),
        "golden_sha256": golden.sha256,
        "golden_defective_count": golden.defective_count,
        "golden_good_count": golden.good_count,
    }


def _of_line(session: Session, golden: GoldenSet, station_ids: list[int]) -> GoldenSet:
    rows = find_rows(session, [part.inspection_id for part in golden.parts])
    mine = {row.id for row in rows if row.station_id in station_ids}
    return GoldenSet(tuple(part for part in golden.parts if part.inspection_id in mine))


def _find_replay(session: Session, station_ids: list[int], golden: GoldenSet) -> list[list[object]]:
    """[inspection id, what people say]: the newest flagged parts that somebody has settled, golden ones left out."""
    flagged = (
        select(StoredInspection.id)
        .where(
            StoredInspection.station_id.in_(station_ids),
            StoredInspection.verdict != Verdict.PASS,
            StoredInspection.part_score.is_not(None),
            StoredInspection.image_sha256.is_not(None),
            StoredInspection.images_removed_at.is_(None),
        )
        .order_by(StoredInspection.id.desc())
        .limit(_REPLAYED)
    )
    ids = list(session.scalars(flagged))
    decisions = find_standing_decisions(session, ids)
    taken = {part.inspection_id for part in golden.parts}
    settled = {Said.CONFIRMED_DEFECT.value, Said.FALSE_ALARM.value}
    return [
        [number, decision.value]
        for number, decision in sorted(decisions.items())
        if number not in taken and decision.value in settled
    ]


def _find_defects(session: Session, station_ids: list[int], golden: GoldenSet) -> list[int]:
    """The newest parts that people call defective, whatever the machine said; golden ones left out."""
    standing = standing_decisions()
    confirmed = (
        select(StoredInspection.id)
        .join(standing, standing.c.inspection_id == StoredInspection.id)
        .where(
            StoredInspection.station_id.in_(station_ids),
            standing.c.decision == Said.CONFIRMED_DEFECT.value,
            StoredInspection.image_sha256.is_not(None),
            StoredInspection.images_removed_at.is_(None),
        )
        .order_by(StoredInspection.id.desc())
        .limit(_DEFECTS)
    )
    taken = {part.inspection_id for part in golden.parts}
    return sorted(number for number in session.scalars(confirmed) if number not in taken)
