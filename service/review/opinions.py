"""What several people's decisions about one part amount to: which one counts, and whether somebody else is asked.

A decision is *live* until it is withdrawn. The latest live one that is no repeat *stands*. A second person is asked
where the standing one is "unclear", or where live ones differ: two people's, or a repeat and the decision before it.
What that person says settles it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Subquery, and_, select
from sqlalchemy.orm import aliased

from service.review.tables import Decision, Disposition, Occasion, StandingDecision


class Opinion(NamedTuple):
    """What of a disposition says whether it counts: thousands of them are read in a moment."""

    id: int
    inspection_id: int
    decision: Decision
    reviewer: str
    occasion: Occasion
    withdraws: int | None


Said = TypeVar("Said", Disposition, Opinion)


def live_of(dispositions: Sequence[Said]) -> list[Said]:
    """Those of one inspection that nobody has withdrawn; both oldest first."""
    withdrawn = {row.withdraws for row in dispositions}
    return [row for row in dispositions if row.decision is not Decision.WITHDRAWN and row.id not in withdrawn]


def standing_of(dispositions: Sequence[Said]) -> Said | None:
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


def standing_decisions() -> Subquery:
    """The standing decisions of all inspections as a table to join: see `operations.standing_decisions`."""
    columns = (
        StandingDecision.inspection_id,
        StandingDecision.disposition_id,
        StandingDecision.decision,
        StandingDecision.defect,
        StandingDecision.reviewer,
        StandingDecision.decided_at,
        StandingDecision.occasion,
        StandingDecision.is_blind,
        StandingDecision.station_id,
        StandingDecision.lot_id,
        StandingDecision.bundle_id,
        StandingDecision.verdict,
        StandingDecision.received_at,
    )
    return select(*columns).where(StandingDecision.decision.is_not(None)).subquery("standing")
