"""Reading challenge parts, results and acts, within a transaction that the operation holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from service.challenge.standing import Act, KnownPart, Shown
from service.challenge.tables import ChallengeAct, ChallengePart, ChallengeResult
from service.db.tables import Station


@dataclass(frozen=True, slots=True)
class StationHistory:
    """What is on record of one station that has challenge parts."""

    parts: list[KnownPart] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)


def find_histories(session: Session, since: datetime) -> dict[str, StationHistory]:
    """By station; stations without challenge parts are left out."""
    found: dict[str, StationHistory] = {}
    for part in find_parts(session):
        known = KnownPart(part.id, part.part_name, part.registered_at)
        found.setdefault(part.station.name, StationHistory()).parts.append(known)
    if not found:
        return {}
    for result in find_results(session, since):
        history = found.get(result.part.station.name)
        if history is not None:
            history.shown.append(Shown(result.challenge_part_id, result.was_right, result.recorded_at))
    for act in find_acts(session, since):
        history = found.get(act.station.name)
        if history is not None:
            history.acts.append(Act(act.kind, act.acted_at))
    return found


def find_parts(session: Session) -> Sequence[ChallengePart]:
    """Those that were not retired, by station and name."""
    query = select(ChallengePart).join(ChallengePart.station).options(contains_eager(ChallengePart.station))
    query = query.where(ChallengePart.retired_at.is_(None)).order_by(Station.name, ChallengePart.part_name)
    return session.scalars(query).all()


def find_part(session: Session, challenge_part_id: int) -> ChallengePart | None:
    query = select(ChallengePart).options(joinedload(ChallengePart.station))
    return session.scalar(query.where(ChallengePart.id == challenge_part_id))


def find_active(session: Session, station_id: int, name: str) -> ChallengePart | None:
    """The one of that name that was not retired."""
    mine = select(ChallengePart).where(ChallengePart.station_id == station_id, ChallengePart.part_name == name)
    return session.scalar(mine.where(ChallengePart.retired_at.is_(None)))


def find_results(session: Session, since: datetime, *, limit: int | None = None) -> Sequence[ChallengeResult]:
    """Newest first."""
    with_part = joinedload(ChallengeResult.part).joinedload(ChallengePart.station)
    query = select(ChallengeResult).options(with_part).where(ChallengeResult.recorded_at >= since)
    return session.scalars(query.order_by(ChallengeResult.id.desc()).limit(limit)).all()


def find_acts(session: Session, since: datetime, *, limit: int | None = None) -> Sequence[ChallengeAct]:
    """Newest first."""
    query = select(ChallengeAct).options(joinedload(ChallengeAct.station)).where(ChallengeAct.acted_at >= since)
    return session.scalars(query.order_by(ChallengeAct.id.desc()).limit(limit)).all()


def challenge_inspection_ids(first: int, last: int) -> Select[int]:
    """The inspections of challenge parts among those ids."""
    return select(ChallengeResult.inspection_id).where(ChallengeResult.inspection_id.between(first, last))
