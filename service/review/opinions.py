"""What several people's decisions about one part amount to: which one counts, and whether somebody else is asked.

A decision is *live* until it is withdrawn. The latest live one that is no repeat *stands*. A second person is asked
where the standing one is "unclear", or where live ones differ: two people's, or a repeat and the decision before it.
What that person says settles it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select
from sqlalchemy.orm import aliased

from service.review.tables import Decision, Disposition, Occasion


def live_of(dispositions: Sequence[Disposition]) -> list[Disposition]:
    """Those of one inspection that nobody has withdrawn; both oldest first."""
    withdrawn = {row.withdraws for row in dispositions}
    return [row for row in dispositions if row.decision is not Decision.WITHDRAWN and row.id not in withdrawn]


def standing_of(dispositions: Sequence[Disposition]) -> Disposition | None:
    """The decision that counts, of one inspection's, oldest first."""
    counting = [row for row in live_of(dispositions) if row.occasion is not Occasion.REPEAT]
    return counting[-1] if counting else None


def in_dispute(dispositions: Sequence[Disposition]) -> list[Disposition]:
    """The live decisions that somebody else has to settle, oldest first; empty where all is settled."""
    opinions = _opinions(live_of(dispositions))
    standing = standing_of(opinions)
    is_unsure = (
        standing is not None
        and standing.decision is Decision.UNCLEAR
        and standing.occasion is not Occasion.SECOND_OPINION
    )
    return opinions if is_unsure or len({row.decision for row in opinions}) > 1 else []


def _opinions(live: list[Disposition]) -> list[Disposition]:
    """From what was settled last on, one of each person: who decides anew has changed their mind. A repeat is none."""
    settled_at = max((place for place, row in enumerate(live) if row.occasion is Occasion.SECOND_OPINION), default=0)
    latest: dict[tuple[str, bool], Disposition] = {}
    for row in live[settled_at:]:
        key = (row.reviewer, row.occasion is Occasion.REPEAT)
        latest.pop(key, None)
        latest[key] = row
    return sorted(latest.values(), key=lambda row: row.id)


def is_live(row: Any) -> ColumnElement[bool]:
    """The same in SQL: `row` is Disposition or an alias of it."""
    withdrawal = aliased(Disposition)
    taken_back = select(withdrawal.id).where(withdrawal.withdraws == row.id).exists()
    return and_(row.decision != Decision.WITHDRAWN, ~taken_back)


def standing_ids(among: Sequence[int] | None = None) -> Select[int]:
    """Ids of the standing decisions of these inspections, or of all."""
    row = aliased(Disposition)
    counting = select(func.max(row.id)).where(is_live(row), row.occasion != Occasion.REPEAT)
    if among is not None:
        counting = counting.where(row.inspection_id.in_(among))
    return counting.group_by(row.inspection_id)


def standing_decisions() -> Subquery:
    """The standing decisions of all inspections as a table to join: see `operations.standing_decisions`."""
    columns = (
        Disposition.inspection_id,
        Disposition.id.label("disposition_id"),
        Disposition.decision,
        Disposition.defect,
        Disposition.reviewer,
        Disposition.decided_at,
        Disposition.occasion,
        Disposition.is_blind,
    )
    # Asked of each row, not of all at once: whoever joins a few of them pays for these few.
    later = aliased(Disposition)
    is_superseded = (
        select(later.id)
        .where(later.inspection_id == Disposition.inspection_id, later.id > Disposition.id)
        .where(is_live(later), later.occasion != Occasion.REPEAT)
        .exists()
    )
    counting = (is_live(Disposition), Disposition.occasion != Occasion.REPEAT, ~is_superseded)
    return select(*columns).where(*counting).subquery("standing_decisions")
