"""Does every standing decision say what the decisions say? Worked out anew and compared, some inspections at a time."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.tables import StoredInspection
from service.review.standing import decisions_of, row_of
from service.review.tables import Disposition, StandingDecision

_AT_ONCE = 500


def find_faults(session: Session) -> Iterator[str]:
    """What is edited, missing or slipped in, one line each, in the order of inspections.

    Both tables are walked side by side along their index: the memory is that of some hundred inspections.
    """
    kept_rows = _stream_kept(session)
    kept = next(kept_rows, None)
    for row, dispositions in _stream_decided(session):
        while kept is not None and kept.inspection_id < row.id:
            yield f"{_name(kept.inspection_id)}: nobody has decided about it"
            kept = next(kept_rows, None)
        if kept is None or kept.inspection_id > row.id:
            yield f"{_name(row.id)}: is missing"
            continue
        yield from _compare(row, dispositions, kept)
        kept = next(kept_rows, None)
    while kept is not None:
        yield f"{_name(kept.inspection_id)}: nobody has decided about it"
        kept = next(kept_rows, None)


def _compare(row: StoredInspection, dispositions: Sequence[Disposition], kept: StandingDecision) -> Iterator[str]:
    known = [one for one in dispositions if one.id <= kept.up_to_id]
    if not known or known[-1].id != kept.up_to_id:
        yield f"{_name(row.id)}: refers to decision {kept.up_to_id}, which is not about it"
        return
    differing = [name for name, value in row_of(row, known).items() if getattr(kept, name) != value]
    if differing:
        yield f"{_name(row.id)}: is not what its decisions say ({', '.join(differing)})"
    elif len(known) < len(dispositions):
        yield f"{_name(row.id)}: does not know decision {dispositions[-1].id}"


def _name(inspection_id: int) -> str:
    return f"standing decision of inspection {inspection_id}"


def _stream_decided(session: Session) -> Iterator[tuple[StoredInspection, list[Disposition]]]:
    """Every inspection about which somebody decided, with all decisions, oldest first."""
    above_id = 0
    decided = select(Disposition.inspection_id).distinct().order_by(Disposition.inspection_id).limit(_AT_ONCE)
    while ids := session.scalars(decided.where(Disposition.inspection_id > above_id)).all():
        rows = {row.id: row for row in session.scalars(select(StoredInspection).where(StoredInspection.id.in_(ids)))}
        for number, said in decisions_of(session, ids):
            yield rows[number], said
        above_id = ids[-1]
        session.expunge_all()


def _stream_kept(session: Session) -> Iterator[StandingDecision]:
    above_id = 0
    in_order = select(StandingDecision).order_by(StandingDecision.inspection_id).limit(_AT_ONCE)
    while rows := session.scalars(in_order.where(StandingDecision.inspection_id > above_id)).all():
        yield from rows
        above_id = rows[-1].inspection_id
