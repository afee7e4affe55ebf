"""What review does. Each operation is one transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.review import queries
from service.review.schemas import (
    DispositionAnswer,
    DispositionCounts,
    DispositionList,
    DispositionRequest,
    Summary,
    VerdictCounts,
)
from service.review.tables import Decision, Disposition

PAGE_LENGTH = 48


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of the queue; `last_id` leads to the next page."""

    rows: list[StoredInspection]
    waiting_count: int
    last_id: int | None


@dataclass(frozen=True, slots=True)
class PartInReview:
    """One inspection as a reviewer sees it, with its neighbours in the queue."""

    row: StoredInspection
    disposition: Disposition | None
    next_id: int | None
    previous_id: int | None
    waiting_count: int


def decide(database: Database, inspection_id: int, request: DispositionRequest, *, reviewer: str) -> DispositionAnswer:
    """Add a decision. Raises NotFound."""
    with database.writing() as session:
        _require(queries.find_inspection(session, inspection_id), inspection_id)
        disposition = Disposition(
            inspection_id=inspection_id,
            decision=request.decision,
            reviewer=reviewer,
            decided_at=datetime.now(UTC),
            note=request.note,
        )
        session.add(disposition)
        session.flush()
        answer = _to_answer(disposition)
        subject = f"inspection {inspection_id}"
        append(session, Entry(Action.DISPOSITION, reviewer, subject, answer.model_dump(mode="json"), inspection_id))
        return answer


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


def is_as_recorded(stored: DispositionAnswer, recorded: Mapping[str, Any]) -> bool:
    """Whether the decision is the one that its audit record tells of."""
    return DispositionAnswer.model_validate(recorded) == stored


def summarise(database: Database) -> Summary:
    with database.reading() as session:
        verdicts = queries.count_by_verdict(session)
        decisions = queries.count_by_decision(session)
        undecided = queries.count_waiting(session)
    return Summary(
        stored=sum(verdicts.values()),
        verdicts=VerdictCounts.model_validate({verdict.value: verdicts.get(verdict, 0) for verdict in Verdict}),
        dispositions=DispositionCounts.model_validate(
            {decision.value: decisions.get(decision, 0) for decision in Decision}
        ),
        undecided=undecided,
    )


def get_waiting_page(database: Database, *, after_id: int | None) -> WaitingPage:
    """A page of the queue behind inspection `after_id`. Raises NotFound."""
    with database.reading() as session:
        after = None if after_id is None else _require(queries.find_inspection(session, after_id), after_id)
        rows = queries.find_waiting(session, after=after, limit=PAGE_LENGTH + 1)
        count = queries.count_waiting(session)
    shown = rows[:PAGE_LENGTH]
    return WaitingPage(shown, count, shown[-1].id if len(rows) > PAGE_LENGTH else None)


def get_part_in_review(database: Database, inspection_id: int) -> PartInReview:
    """Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_inspection(session, inspection_id), inspection_id)
        dispositions = queries.find_dispositions(session, inspection_id)
        return PartInReview(
            row=row,
            disposition=dispositions[-1] if dispositions else None,
            next_id=queries.find_next_id(session, row),
            previous_id=queries.find_previous_id(session, row),
            waiting_count=queries.count_waiting(session),
        )


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
    )
