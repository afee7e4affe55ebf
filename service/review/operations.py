"""What review does. Each operation is one transaction. What a person sees is in `looking`."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.errors import Conflict, NotFound
from service.review import deciding, leases, left_off, opinions, queries, queue, standing, standing_check
from service.review.opinions import Opinion
from service.review.queue import QueueEntry
from service.review.queue_filter import QueueFilter
from service.review.schemas import (
    DispositionAnswer,
    DispositionList,
    DispositionRequest,
    LeaseAnswer,
    ManyAnswer,
    ManyRequest,
    Marks,
    Refusal,
)
from service.review.tables import Decision, Disposition, Occasion, WaitingKind, WaitingPart

__all__ = [
    "Decision",
    "Disposition",
    "Occasion",
    "Opinion",
    "QueueEntry",
    "WaitingKind",
    "catch_up",
    "count_waiting",
    "decide",
    "decide_many",
    "describe_held",
    "end_lease",
    "find_faults_of_standing",
    "find_given_names",
    "find_repeated",
    "find_standing_decisions",
    "is_as_recorded",
    "leave_out_of_queue",
    "list_dispositions",
    "live_of",
    "pick_decided",
    "queue_parts",
    "standing_decisions",
    "standing_of",
    "stream_dispositions",
    "take_lease",
    "waiting_for_second_opinion",
]

live_of, standing_of = opinions.live_of, opinions.standing_of
catch_up = standing.catch_up
find_faults_of_standing = standing_check.find_faults


def decide(database: Database, inspection_id: int, request: DispositionRequest, *, reviewer: str) -> DispositionAnswer:
    """Add a decision. Raises NotFound; Conflict where somebody else looks at the part, or has decided meanwhile."""
    with database.writing() as session:
        row = queries.require_inspection(session, inspection_id)
        answer = _to_answer(deciding.decide(session, row, request, reviewer))
        append(session, _entry(answer))
        return answer


def decide_many(database: Database, request: ManyRequest, *, reviewer: str) -> ManyAnswer:
    """One decision about each of them, in one transaction; those that cannot be decided are told and left alone."""
    stored: list[DispositionAnswer] = []
    refused: list[Refusal] = []
    with database.writing() as session:
        # In one order, so that two people who decide about the same parts do not wait for each other crosswise.
        for item in sorted(request.inspections, key=lambda item: item.id):
            one = DispositionRequest(decision=request.decision, defect=request.defect, replaces=item.replaces)
            try:
                row = queries.require_inspection(session, item.id)
                stored.append(_to_answer(deciding.decide(session, row, one, reviewer)))
            except (Conflict, NotFound) as error:
                refused.append(Refusal(inspection_id=item.id, problem=error.problem))
        if stored:
            append(session, *map(_entry, stored))
    return ManyAnswer(stored=stored, refused=refused)


def queue_parts(session: Session, entries: Iterable[QueueEntry], chance: random.Random = deciding.CHANCE) -> None:
    """Let inspections wait for a person, in the transaction that records or draws them; none may wait already."""
    queue.add(session, entries, chance)


def leave_out_of_queue(session: Session, inspection_ids: Iterable[int]) -> None:
    """For parts that nobody has to decide about, within the caller's transaction."""
    for inspection_id in inspection_ids:
        queue.remove(session, inspection_id)


def pick_decided(session: Session, *, station_id: int, before: datetime, chance: random.Random) -> int | None:
    """A decided inspection of the station to ask about again, drawn by chance; None where there is none.

    Its decision is older than `before`, it has its picture, does not wait, and never came again.
    """
    return queries.pick_decided(session, station_id, before, chance)


def standing_decisions() -> Subquery:
    """One row for each decided inspection, to be joined in SQL: the decision that counts.

    Columns: inspection_id, disposition_id, decision, defect (as it was given then), reviewer, decided_at, occasion,
    is_blind; and of the inspection station_id, lot_id, bundle_id, verdict, received_at. A part that waits for a second
    opinion has the decision that stands until then.
    """
    return opinions.standing_decisions()


def waiting_for_second_opinion() -> Select[int]:
    """Ids of inspections whose decision is in dispute, for a condition in SQL."""
    return select(WaitingPart.inspection_id).where(WaitingPart.kind == WaitingKind.SECOND_OPINION)


def find_given_names(session: Session) -> list[str]:
    """Every name that was ever given to a defect, as it was given, in order."""
    return queries.find_given_names(session)


def find_repeated(session: Session, among: Select[int]) -> list[list[Opinion]]:
    """All decisions of each of these inspections that came again, oldest first. `among`: their ids, in SQL."""
    return queries.find_repeated(session, among)


def take_lease(
    database: Database, inspection_id: int, *, reviewer: str, wanted: QueueFilter | None = None
) -> LeaseAnswer:
    """For who came to it among those that are `wanted`, and goes on there some other time. Raises NotFound."""
    with database.writing() as session:
        queries.require_inspection(session, inspection_id)
        holder = leases.take(session, inspection_id, reviewer)
        if holder == reviewer and wanted is not None:
            left_off.note(session, inspection_id, wanted, reviewer)
    return LeaseAnswer(holder=holder, is_mine=holder == reviewer)


def end_lease(database: Database, inspection_id: int, *, reviewer: str) -> None:
    """Of that reviewer, if it is theirs. Raises NotFound."""
    with database.writing() as session:
        queries.require_inspection(session, inspection_id)
        if leases.holder_of(session, inspection_id) == reviewer:
            leases.end(session, inspection_id)


def count_waiting(database: Database, wanted: QueueFilter, *, reviewer: str = "") -> int:
    """How many wait for that person, or for anybody."""
    with database.reading() as session:
        return queue.count(session, wanted, reviewer)


def describe_held(session: Session) -> tuple[int, datetime | None]:
    """How many held parts wait, and since when the oldest does, within the caller's transaction."""
    count, oldest_id = queue.count_held(session)
    row = None if oldest_id is None else queries.find_inspection(session, oldest_id)
    return count, None if row is None else row.received_at


def list_dispositions(database: Database, inspection_id: int) -> DispositionList:
    """Oldest first. Raises NotFound."""
    with database.reading() as session:
        queries.require_inspection(session, inspection_id)
        rows = queries.find_dispositions(session, inspection_id)
    return DispositionList(items=[_to_answer(row) for row in rows])


def stream_dispositions(session: Session, *, above_id: int) -> Iterator[DispositionAnswer]:
    """All decisions after that one, in order."""
    query = select(Disposition).where(Disposition.id > above_id).order_by(Disposition.id)
    for row in session.scalars(query.execution_options(yield_per=500)):
        yield _to_answer(row)


def find_standing_decisions(session: Session, inspection_ids: Sequence[int]) -> dict[int, Decision]:
    """The decision that counts, by inspection, within the caller's transaction; none where nobody stands by one."""
    decided = opinions.standing_decisions()
    query = select(decided.c.inspection_id, decided.c.decision)
    rows = session.execute(query.where(decided.c.inspection_id.in_(inspection_ids)))
    return {row.inspection_id: Decision(row.decision) for row in rows}


def is_as_recorded(stored: DispositionAnswer, recorded: Mapping[str, Any]) -> bool:
    """Whether the decision is the one that its audit record tells of, in all that was recorded at its time."""
    return stored.model_dump(mode="json", include=set(recorded)) == recorded


def _entry(answer: DispositionAnswer) -> Entry:
    subject = f"inspection {answer.inspection_id}"
    return Entry(Action.DISPOSITION, answer.reviewer, subject, answer.model_dump(mode="json"), answer.inspection_id)


def _to_answer(row: Disposition) -> DispositionAnswer:
    return DispositionAnswer(
        id=row.id,
        inspection_id=row.inspection_id,
        decision=row.decision,
        reviewer=row.reviewer,
        decided_at=row.decided_at,
        note=row.note,
        defect=row.defect,
        occasion=row.occasion,
        is_blind=row.is_blind,
        settles=row.settles,
        withdraws=row.withdraws,
        marks=None if row.marks is None else Marks.model_validate(row.marks),
    )
