"""What review does. Each operation is one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.audit.operations import Action, AuditRecord, Entry, append, find_records_of
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.errors import Conflict, NotFound
from service.review import leases, queries, queue
from service.review.queue_filter import QueueFilter
from service.review.schemas import (
    DispositionAnswer,
    DispositionCounts,
    DispositionList,
    DispositionRequest,
    LeaseAnswer,
    Summary,
    VerdictCounts,
)
from service.review.tables import Decision, Disposition

_EVERYTHING = QueueFilter()
PAGE_LENGTH = 48
# As many as there are number keys.
_DEFECT_NAME_COUNT = 9
_REFERENCE_COUNT, _LOT_COUNT = 24, 4


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of the queue; `last_id` leads to the next page. `all_count` counts what no filter leaves out."""

    wanted: QueueFilter
    rows: list[StoredInspection]
    waiting_count: int
    all_count: int
    last_id: int | None
    start_id: int | None
    """The first that nobody else looks at."""


@dataclass(frozen=True, slots=True)
class PartInReview:
    """One inspection as a reviewer sees it, with its neighbours in the queue they work on."""

    wanted: QueueFilter
    row: StoredInspection
    disposition: Disposition | None
    next_id: int | None
    previous_id: int | None
    waiting_count: int
    defect_names: list[str]


@dataclass(frozen=True, slots=True)
class PartHistory:
    """All that is on record of one inspection."""

    row: StoredInspection
    dispositions: list[Disposition]
    audit_records: list[AuditRecord]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What to compare an inspection with: parts that passed, and earlier parts of its lot."""

    row: StoredInspection
    passed: list[StoredInspection]
    of_lot: list[StoredInspection]


def decide(database: Database, inspection_id: int, request: DispositionRequest, *, reviewer: str) -> DispositionAnswer:
    """Add a decision. Raises NotFound; Conflict where somebody else looks at the part, or has decided meanwhile."""
    with database.writing() as session:
        row = _require(queries.find_inspection(session, inspection_id), inspection_id)
        _require_first(session, row, request, reviewer)
        disposition = Disposition(
            inspection_id=inspection_id,
            decision=request.decision,
            reviewer=reviewer,
            decided_at=datetime.now(UTC),
            note=request.note,
            defect=request.defect,
        )
        session.add(disposition)
        queue.remove(session, inspection_id)
        leases.end(session, inspection_id)
        if request.decision is Decision.WITHDRAWN:
            queue.add_flagged(session, [(row.id, row.verdict, row.part_score)])
        session.flush()
        answer = _to_answer(disposition)
        subject = f"inspection {inspection_id}"
        append(session, Entry(Action.DISPOSITION, reviewer, subject, answer.model_dump(mode="json"), inspection_id))
        return answer


def queue_flagged(session: Session, inspections: Iterable[tuple[int, Verdict, float | None]]) -> None:
    """For intake: (id, verdict, part score) of what it has just recorded, in the same transaction."""
    queue.add_flagged(session, inspections)


def take_lease(database: Database, inspection_id: int, *, reviewer: str) -> LeaseAnswer:
    """Raises NotFound."""
    with database.writing() as session:
        _require(queries.find_inspection(session, inspection_id), inspection_id)
        holder = leases.take(session, inspection_id, reviewer)
    return LeaseAnswer(holder=holder, is_mine=holder == reviewer)


def end_lease(database: Database, inspection_id: int, *, reviewer: str) -> None:
    """Of that reviewer, if it is theirs. Raises NotFound."""
    with database.writing() as session:
        _require(queries.find_inspection(session, inspection_id), inspection_id)
        if leases.holder_of(session, inspection_id) == reviewer:
            leases.end(session, inspection_id)


def count_waiting(database: Database, wanted: QueueFilter) -> int:
    with database.reading() as session:
        return queue.count(session, wanted)


def list_dispositions(database: Database, inspection_id: int) -> DispositionList:
    """Oldest first. Raises NotFound."""
    with database.reading() as session:
        _require(queries.find_inspection(session, inspection_id), inspection_id)
        rows = queries.find_dispositions(session, inspection_id)
    return DispositionList(items=[_to_answer(row) for row in rows])


def stream_dispositions(session: Session, *, above_id: int) -> Iterator[DispositionAnswer]:
    """All decisions after that one, in order."""
    query = select(Disposition).where(Disposition.id > above_id).order_by(Disposition.id)
    for row in session.scalars(query.execution_options(yield_per=500)):
        yield _to_answer(row)


def find_standing_decisions(session: Session, inspection_ids: Sequence[int]) -> dict[int, Decision]:
    """The decision that counts, by inspection, within the caller's transaction; none where nobody stands by one."""
    latest = select(func.max(Disposition.id)).where(Disposition.inspection_id.in_(inspection_ids))
    rows = session.scalars(select(Disposition).where(Disposition.id.in_(latest.group_by(Disposition.inspection_id))))
    return {row.inspection_id: row.decision for row in rows if row.decision is not Decision.WITHDRAWN}


def is_as_recorded(stored: DispositionAnswer, recorded: Mapping[str, Any]) -> bool:
    """Whether the decision is the one that its audit record tells of."""
    return DispositionAnswer.model_validate(recorded) == stored


def summarise(database: Database) -> Summary:
    with database.reading() as session:
        verdicts = queries.count_by_verdict(session)
        decisions = queries.count_by_decision(session)
        undecided = queue.count(session, QueueFilter())
    return Summary(
        stored=sum(verdicts.values()),
        verdicts=VerdictCounts.model_validate({verdict.value: verdicts.get(verdict, 0) for verdict in Verdict}),
        dispositions=DispositionCounts.model_validate(
            {name: decisions.get(Decision(name), 0) for name in DispositionCounts.model_fields}
        ),
        undecided=undecided,
    )


def get_waiting_page(
    database: Database, *, after_id: int | None, wanted: QueueFilter = _EVERYTHING, reviewer: str = ""
) -> WaitingPage:
    """A page of the queue behind inspection `after_id`. Raises NotFound."""
    with database.reading() as session:
        after = None if after_id is None else _require(queries.find_inspection(session, after_id), after_id)
        rows = queue.find_page(session, wanted, after=after, limit=PAGE_LENGTH + 1)
        count = queue.count(session, wanted)
        all_count = queue.count(session, _EVERYTHING) if wanted.is_narrow else count
        start_id = queue.find_first_id(session, wanted, reviewer)
    shown = rows[:PAGE_LENGTH]
    last_id = shown[-1].id if len(rows) > PAGE_LENGTH else None
    return WaitingPage(wanted, shown, count, all_count, last_id, start_id)


def get_part_in_review(
    database: Database, inspection_id: int, *, wanted: QueueFilter = _EVERYTHING, reviewer: str = ""
) -> PartInReview:
    """Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_inspection(session, inspection_id), inspection_id)
        return PartInReview(
            wanted=wanted,
            row=row,
            disposition=_standing(queries.find_dispositions(session, inspection_id)),
            next_id=queue.find_next_id(session, row, wanted, reviewer),
            previous_id=queue.find_previous_id(session, row, wanted, reviewer),
            waiting_count=queue.count(session, wanted),
            defect_names=queries.find_defect_names(session, limit=_DEFECT_NAME_COUNT),
        )


def get_neighbours(database: Database, inspection_id: int) -> Neighbours:
    """Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_inspection(session, inspection_id), inspection_id)
        passed = queries.find_passed(session, row, limit=_REFERENCE_COUNT)
        return Neighbours(row, passed, queries.find_earlier_of_lot(session, row, limit=_LOT_COUNT))


def get_history(database: Database, inspection_id: int) -> PartHistory:
    """Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_inspection(session, inspection_id), inspection_id)
        return PartHistory(
            row, queries.find_dispositions(session, inspection_id), find_records_of(session, inspection_id)
        )


def _require_first(session: Session, row: StoredInspection, request: DispositionRequest, reviewer: str) -> None:
    """Raises Conflict where the decision would meet another person's."""
    holder = leases.holder_of(session, row.id)
    if holder not in (None, reviewer):
        raise Conflict(f"inspection {row.id}: {holder} is looking at it", "decide about another part")
    standing = _standing(queries.find_dispositions(session, row.id))
    standing_id = None if standing is None else standing.id
    if "replaces" in request.model_fields_set and request.replaces != standing_id:
        raise Conflict(f"inspection {row.id}: was decided meanwhile", "look at it again")
    if request.decision is Decision.WITHDRAWN and (standing is None or standing.reviewer != reviewer):
        raise Conflict(f"inspection {row.id}: has no decision of {reviewer} to withdraw", "decide anew instead")


def _standing(dispositions: list[Disposition]) -> Disposition | None:
    """The decision that counts, if any: the latest, unless it was withdrawn."""
    latest = dispositions[-1] if dispositions else None
    return None if latest is None or latest.decision is Decision.WITHDRAWN else latest


def _require(row: StoredInspection | None, inspection_id: int) -> StoredInspection:
    if row is None:
        raise NotFound(f"inspection {inspection_id}: does not exist", "start at /review")
    return row


def _to_answer(row: Disposition) -> DispositionAnswer:
    return DispositionAnswer(
        id=row.id,
        inspection_id=row.inspection_id,
        decision=row.decision,
        reviewer=row.reviewer,
        decided_at=row.decided_at,
        note=row.note,
        defect=row.defect,
    )
