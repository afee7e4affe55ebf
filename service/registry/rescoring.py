"""Parts that one bundle judged, scored again by another: after a rollback, what would it have said?

The verdicts of the record stay. What passed then and would be flagged now is put before a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from inspection.inspector import Inspector
from inspection.profile import StationProfile
from inspection.verdict import Inspection, Reason, Verdict
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.first_sight import insert_unless_there
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.images.image_store import ImageStore
from service.profiles.operations import find_in_force
from service.registry.tables import RescoredPart
from service.review.operations import QueueEntry, find_standing_decisions, leave_out_of_queue, queue_parts

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Rescoring:
    """So far: parts scored again, those whose verdict would be another, passed ones flagged now, and how many wait."""

    rescored_count: int
    flip_count: int
    flagged_now_count: int
    left_count: int


def rescore(
    database: Database, image_store: ImageStore, inspector: Inspector, judged_by: str, *, author: str
) -> Rescoring:
    """Score some hundred of the parts that `judged_by` judged; call it again while parts are left."""
    with database.reading() as session:
        rows = list(session.scalars(_waiting(judged_by, inspector.bundle_id).limit(AT_ONCE)))
        profiles = {one.station: one.profile for one in find_in_force(session)}
    judged: list[tuple[StoredInspection, Inspection]] = []
    for row in rows:
        profile = profiles.get(row.station.name) or StationProfile()
        bare = profile.model_copy(update={"bundle_id": None, "thresholds": None})
        judged.append((row, _inspect(image_store, inspector.for_station(bare), row)))
    now = datetime.now(UTC)
    with database.writing() as session:
        flagged = []
        for row, answer in judged:
            values = {
                "inspection_id": row.id,
                "bundle_id": inspector.bundle_id,
                "verdict": answer.verdict,
                "part_score": answer.part_score,
                "rescored_at": now,
            }
            is_new = insert_unless_there(session, RescoredPart, values) is not None
            if is_new and row.verdict is Verdict.PASS and answer.verdict is not Verdict.PASS:
                flagged.append((row, answer))
        put_before_a_person(session, [QueueEntry(row.id, answer.verdict, answer.part_score) for row, answer in flagged])
        if judged:
            ids = [row.id for row, _ in judged]
            detail = {"judged_by": judged_by, "rescored_by": inspector.bundle_id, "inspections": ids}
            append(session, Entry(Action.RESCORING, author, f"inspections {ids[0]} to {ids[-1]}", detail))
    return count_rescored(database, judged_by, inspector.bundle_id)


def count_rescored(database: Database, judged_by: str, rescored_by: str) -> Rescoring:
    """How far it is."""
    with database.reading() as session:
        pairs = select(StoredInspection.verdict, RescoredPart.verdict, func.count()).join(
            RescoredPart, RescoredPart.inspection_id == StoredInspection.id
        )
        pairs = pairs.where(StoredInspection.bundle_id == judged_by, RescoredPart.bundle_id == rescored_by)
        counts = list(session.execute(pairs.group_by(StoredInspection.verdict, RescoredPart.verdict)))
        left = session.scalar(select(func.count()).select_from(_waiting(judged_by, rescored_by).subquery())) or 0
    return Rescoring(
        rescored_count=sum(count for _, _, count in counts),
        flip_count=sum(count for then, now, count in counts if then is not now),
        flagged_now_count=sum(count for then, now, count in counts if then is Verdict.PASS and now is not then),
        left_count=left,
    )


def _waiting(judged_by: str, rescored_by: str) -> Select[StoredInspection]:
    done = select(RescoredPart.inspection_id).where(RescoredPart.bundle_id == rescored_by)
    return (
        select(StoredInspection)
        .options(joinedload(StoredInspection.station))
        .where(
            StoredInspection.bundle_id == judged_by,
            StoredInspection.image_sha256.is_not(None),
            StoredInspection.images_removed_at.is_(None),
            StoredInspection.id.not_in(done),
        )
        .order_by(StoredInspection.id)
    )


def _inspect(image_store: ImageStore, inspector: Inspector, row: StoredInspection) -> Inspection:
    try:
        data = image_store.get(str(row.image_sha256))
    except NotFound as error:
        return Inspection.held(Reason.INTERNAL, str(error), bundle_id=inspector.bundle_id)
    return inspector.inspect(data, name=f"inspection {row.id}")


def put_before_a_person(session: Session, entries: Sequence[QueueEntry]) -> None:
    """Let passed parts wait that another model would not have passed; what people have decided about stays decided."""
    decided = find_standing_decisions(session, [entry.inspection_id for entry in entries])
    waiting = [entry for entry in entries if entry.inspection_id not in decided]
    # One that waits as a spot check waits as a flagged part from now on.
    leave_out_of_queue(session, [entry.inspection_id for entry in waiting])
    queue_parts(session, waiting)
