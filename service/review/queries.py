"""Inspections as review shows them, their decisions and counts, within a transaction that the operation holds."""

import random
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.orm import Session, aliased, joinedload

from inspection.verdict import Verdict
from service.db.columns import off_index
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.review.opinions import Opinion, is_live, standing_decisions
from service.review.tables import Decision, Disposition, Occasion, WaitingPart

_COUNTED_LATELY = 5_000
"""Decisions by which names are put in order: some weeks of a busy line."""
_LOOKED_THROUGH = 3_000
"""Parts of a station among which good ones are looked for."""


def find_inspection(session: Session, inspection_id: int) -> StoredInspection | None:
    return session.scalar(_with_names().where(StoredInspection.id == inspection_id))


def require_inspection(session: Session, inspection_id: int) -> StoredInspection:
    """Raises NotFound."""
    row = find_inspection(session, inspection_id)
    if row is None:
        raise NotFound(f"inspection {inspection_id}: does not exist", "start at /review")
    return row


def lock(session: Session, inspection_id: int) -> None:
    """Whoever else decides about it waits until this transaction ends. SQLite's write transactions do so anyway."""
    session.execute(select(StoredInspection.id).where(StoredInspection.id == inspection_id).with_for_update())


def count_by_verdict(session: Session) -> dict[Verdict, int]:
    counted = session.execute(select(StoredInspection.verdict, func.count()).group_by(StoredInspection.verdict))
    return {row[0]: row[1] for row in counted}


def count_by_decision(session: Session, since: datetime | None = None) -> dict[Decision, int]:
    """Inspections by the decision of each that stands; of those decided since then, or of all."""
    standing = standing_decisions()
    query = select(standing.c.decision, func.count()).group_by(standing.c.decision)
    if since is not None:
        query = query.where(standing.c.decided_at >= since)
    counted = session.execute(query)
    return {row[0]: row[1] for row in counted}


def find_dispositions(session: Session, inspection_id: int) -> list[Disposition]:
    """Oldest first."""
    mine = select(Disposition).where(Disposition.inspection_id == inspection_id)
    return list(session.scalars(mine.order_by(Disposition.id)))


def find_given_names(session: Session) -> list[str]:
    """Every name that was ever given, in order: one look at the index for each, however many decisions there are."""
    names: list[str] = []
    least = select(func.min(Disposition.defect))
    found = session.scalar(least)
    while found is not None:
        names.append(found)
        found = session.scalar(least.where(Disposition.defect > found))
    return names


def count_given_lately(session: Session) -> dict[str, int]:
    """How often each name was given in the newest decisions, whatever it is called today."""
    newest = select(Disposition.defect).order_by(Disposition.id.desc()).limit(_COUNTED_LATELY).subquery()
    counted = select(newest.c.defect, func.count()).where(newest.c.defect.is_not(None)).group_by(newest.c.defect)
    return {str(row[0]): row[1] for row in session.execute(counted)}


def find_repeated(session: Session, among: Select[int]) -> list[list[Opinion]]:
    """Decisions of each of these inspections that came again, oldest first."""
    columns = [getattr(Disposition, name) for name in Opinion._fields]
    query = select(*columns).where(Disposition.inspection_id.in_(among))
    rows = (Opinion(*row) for row in session.execute(query.order_by(Disposition.inspection_id, Disposition.id)))
    groups = (list(group) for _, group in groupby(rows, key=attrgetter("inspection_id")))
    return [group for group in groups if any(row.occasion is Occasion.REPEAT for row in group)]


def pick_decided(session: Session, station_id: int, before: datetime, chance: random.Random) -> int | None:
    """See `operations.pick_decided`: from a row drawn by chance on, the first that will do; then from the first row."""
    newest = select(Disposition.id).where(Disposition.decided_at < before).order_by(Disposition.id.desc()).limit(1)
    last_id = session.scalar(newest)
    if last_id is None:
        return None
    start_id = chance.randint(session.scalars(select(func.min(Disposition.id))).one(), last_id)
    fit = _decided_once(station_id).where(Disposition.id <= last_id).order_by(Disposition.id).limit(1)
    found: int | None = session.scalar(fit.where(Disposition.id >= start_id))
    return found if found is not None else session.scalar(fit)


def _decided_once(station_id: int) -> Select[int]:
    """Inspections by their standing decision, that have their picture, do not wait, and never came again."""
    repeat = aliased(Disposition)
    came_again = select(repeat.id).where(
        repeat.inspection_id == Disposition.inspection_id, repeat.occasion == Occasion.REPEAT
    )
    later = aliased(Disposition)
    decided_later = select(later.id).where(
        later.inspection_id == Disposition.inspection_id, later.id > Disposition.id, is_live(later)
    )
    waits = select(WaitingPart.inspection_id).where(WaitingPart.inspection_id == Disposition.inspection_id)
    return (
        select(Disposition.inspection_id)
        .join(Disposition.inspection)
        .where(is_live(Disposition), ~came_again.exists(), ~decided_later.exists(), ~waits.exists())
        .where(
            StoredInspection.station_id == station_id,
            StoredInspection.image_sha256.is_not(None),
            StoredInspection.images_removed_at.is_(None),
        )
    )


def find_passed(session: Session, row: StoredInspection, *, limit: int) -> list[StoredInspection]:
    """The newest parts of the same station that passed, those before `row` first; none that escaped.

    Of a station where hardly any part passes, no more than the newest are looked through.
    """
    escaped = select(Disposition.id).where(
        Disposition.inspection_id == StoredInspection.id,
        Disposition.decision == Decision.CONFIRMED_DEFECT,
        is_live(Disposition),
    )
    passed = _with_names().where(
        StoredInspection.station_id == row.station_id,
        off_index(StoredInspection.verdict) == Verdict.PASS,
        ~escaped.exists(),
        StoredInspection.images_removed_at.is_(None),
        StoredInspection.image_sha256.is_not(None),
    )
    before = _within_reach(row.station_id, StoredInspection.id < row.id)
    newest = _within_reach(row.station_id, true())
    found = list(session.scalars(_newest_first(passed.where(before), limit)))
    return found or list(session.scalars(_newest_first(passed.where(newest), limit)))


def _within_reach(station_id: int, among: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an inspection is one of the newest of its station for which `among` holds."""
    newest = select(StoredInspection.id).where(StoredInspection.station_id == station_id, among)
    # By itself, not by the rows around it: found once.
    last = newest.order_by(StoredInspection.id.desc()).offset(_LOOKED_THROUGH).limit(1).correlate(None)
    return and_(among, StoredInspection.id > func.coalesce(last.scalar_subquery(), 0))


def find_earlier_of_lot(session: Session, row: StoredInspection, *, limit: int) -> list[StoredInspection]:
    """Newest first; none for a part without a lot."""
    if row.lot_id is None:
        return []
    earlier = _with_names().where(
        StoredInspection.lot_id == row.lot_id,
        StoredInspection.id < row.id,
        StoredInspection.images_removed_at.is_(None),
        StoredInspection.image_sha256.is_not(None),
    )
    return list(session.scalars(_newest_first(earlier, limit)))


def _newest_first(query: Select[StoredInspection], limit: int) -> Select[StoredInspection]:
    return query.order_by(StoredInspection.id.desc()).limit(limit)


def _with_names() -> Select[StoredInspection]:
    return select(StoredInspection).options(
        joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
    )
