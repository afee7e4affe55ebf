"""How a decision comes into the record: who may, what it takes the place of, and whether somebody is asked next."""

import random
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from inspection.naming import Suggestion
from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.errors import Conflict
from service.review import leases, queries, queue, standing
from service.review.opinions import in_dispute, live_of, standing_of
from service.review.queue import QueueEntry
from service.review.schemas import DispositionRequest
from service.review.tables import Decision, Disposition, Occasion, WaitingKind, WaitingPart

# An operating system's own chance, which nobody can foresee or repeat.
CHANCE = random.SystemRandom()


def decide(session: Session, row: StoredInspection, request: DispositionRequest, reviewer: str) -> Disposition:
    """Add a decision; the part leaves the queue, or waits for another person. Raises Conflict, before any change."""
    queries.lock(session, row.id)
    dispositions = queries.find_dispositions(session, row.id)
    waiting = queue.find(session, row.id)
    _require_unleased(session, row, reviewer)
    withdrawn = None
    if request.decision is Decision.WITHDRAWN:
        withdrawn = _find_own(row, dispositions, request, reviewer)
        disposition = _new(row, request, reviewer, withdrawn.occasion, is_blind=withdrawn.is_blind)
        disposition.withdraws = withdrawn.id
    else:
        _require_unchanged(row, shown_to(reviewer, dispositions, waiting), request)
        occasion = _occasion(reviewer, dispositions, waiting)
        disposition = _new(row, request, reviewer, occasion, is_blind=waiting is not None and waiting.is_blind)
        if occasion is Occasion.SECOND_OPINION:
            disposition.settles = [one.id for one in in_dispute(dispositions)]
    session.add(disposition)
    session.flush()
    suggestion = queue.suggestion_for(waiting) if waiting else None
    standing.note(session, row, [*dispositions, disposition])
    _ask_next(session, row, [*dispositions, disposition], withdrawn, suggestion)
    leases.end(session, row.id)
    return disposition


def shown_to(reviewer: str, dispositions: list[Disposition], waiting: WaitingPart | None) -> Disposition | None:
    """The decision that a person sees at a part. Who is asked for an opinion of their own sees none."""
    if waiting is not None and is_asked_anew(reviewer, dispositions, waiting):
        return None
    return standing_of(dispositions)


def is_asked_anew(reviewer: str, dispositions: list[Disposition], waiting: WaitingPart) -> bool:
    """Whether the part waits for an answer that must not know of the earlier ones."""
    if waiting.kind is WaitingKind.REPEAT:
        return True
    is_party = reviewer in {row.reviewer for row in live_of(dispositions)}
    return waiting.kind is WaitingKind.SECOND_OPINION and not is_party


def _occasion(reviewer: str, dispositions: list[Disposition], waiting: WaitingPart | None) -> Occasion:
    if waiting is None or not is_asked_anew(reviewer, dispositions, waiting):
        return Occasion.FIRST
    return Occasion.REPEAT if waiting.kind is WaitingKind.REPEAT else Occasion.SECOND_OPINION


def _new(
    row: StoredInspection, request: DispositionRequest, reviewer: str, occasion: Occasion, *, is_blind: bool
) -> Disposition:
    marks = request.marks.model_dump(mode="json") if request.marks is not None else None
    return Disposition(
        inspection_id=row.id,
        decision=request.decision,
        reviewer=reviewer,
        decided_at=datetime.now(UTC),
        note=request.note,
        defect=request.defect,
        occasion=occasion,
        is_blind=is_blind,
        settles=[],
        withdraws=None,
        marks=marks,
    )


def _require_unleased(session: Session, row: StoredInspection, reviewer: str) -> None:
    holder = leases.holder_of(session, row.id)
    if holder not in (None, reviewer):
        raise Conflict(f"inspection {row.id}: {holder} is looking at it", "decide about another part")


def _require_unchanged(row: StoredInspection, shown: Disposition | None, request: DispositionRequest) -> None:
    shown_id = None if shown is None else shown.id
    if "replaces" in request.model_fields_set and request.replaces != shown_id:
        raise Conflict(f"inspection {row.id}: was decided meanwhile", "look at it again")


def _find_own(
    row: StoredInspection, dispositions: list[Disposition], request: DispositionRequest, reviewer: str
) -> Disposition:
    """The decision to withdraw: the latest, if it is this person's."""
    live = live_of(dispositions)
    if not live or live[-1].reviewer != reviewer:
        raise Conflict(f"inspection {row.id}: has no decision of {reviewer} to withdraw", "decide anew instead")
    if "replaces" in request.model_fields_set and request.replaces != live[-1].id:
        raise Conflict(f"inspection {row.id}: was decided meanwhile", "look at it again")
    return live[-1]


def _ask_next(
    session: Session,
    row: StoredInspection,
    dispositions: list[Disposition],
    withdrawn: Disposition | None,
    suggestion: Suggestion | None,
) -> None:
    queue.remove(session, row.id)
    dispute = in_dispute(dispositions)
    if dispute:
        kind, is_blind = WaitingKind.SECOND_OPINION, dispute[0].is_blind
    elif withdrawn is None:
        return
    else:
        was_waiting_as = _kind_before(row, dispositions, withdrawn)
        if was_waiting_as is None:
            return
        kind, is_blind = was_waiting_as, withdrawn.is_blind
    entry = QueueEntry(row.id, row.verdict, row.part_score, kind, is_blind, suggestion)
    queue.add(session, [entry], CHANCE)


def _kind_before(row: StoredInspection, dispositions: list[Disposition], withdrawn: Disposition) -> WaitingKind | None:
    """As what the part waited before the decision that is now withdrawn; None where it did not wait."""
    if withdrawn.occasion is Occasion.REPEAT:
        return WaitingKind.REPEAT
    if standing_of(dispositions) is not None:
        return None
    if row.verdict is not Verdict.PASS:
        return WaitingKind.FLAGGED
    return WaitingKind.SPOT_CHECK if withdrawn.is_blind else None
