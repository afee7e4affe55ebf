"""How often each defect was found, by what it is called today: the most frequent first, with the share up to each."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.db.engine import Database
from service.db.tables import Lot, Station
from service.defect_names.operations import read_naming
from service.defect_names.schemas import ParetoBar, ParetoQuery, ParetoReport
from service.profiles.operations import find_stations_of_line
from service.review.operations import Decision, find_given_names, standing_decisions


@dataclass(frozen=True, slots=True)
class _Found:
    """Confirmed defects of one name at one station in one lot; the name is as it was given."""

    name: str | None
    station: str
    lot: str | None
    count: int


_GROUPS: dict[str, Callable[[_Found], str | None]] = {
    "name": lambda found: found.name,
    "station": lambda found: found.station,
    "lot": lambda found: found.lot,
}


def count_defects(database: Database, asked: ParetoQuery) -> ParetoReport:
    """Confirmed defects, by name, station or lot. Only decisions that stand count."""
    with database.reading() as session:
        naming = read_naming(session)
        rows = _find(session, asked)
    found = [_Found(row.name and naming.today(row.name), row.station, row.lot, row.count) for row in rows]
    if asked.name is not None:
        found = [one for one in found if one.name == asked.name]
    counts: Counter[str | None] = Counter()
    for one in found:
        counts[_GROUPS[asked.by](one)] += one.count
    total = counts.total()
    bars, so_far = [], 0
    # What has no name comes last, however often it was found: it is no cause that one could look at.
    for key, count in sorted(counts.items(), key=lambda item: (item[0] is None, -item[1], item[0] or "")):
        so_far += count
        bars.append(ParetoBar(key=key, count=count, share=count / total, share_up_to_here=so_far / total))
    return ParetoReport(asked=asked, total=total, bars=bars)


def find_names(database: Database) -> list[str]:
    """What defects are called today, in order."""
    with database.reading() as session:
        naming = read_naming(session)
        return sorted({naming.today(name) for name in find_given_names(session)})


def _find(session: Session, asked: ParetoQuery) -> list[_Found]:
    standing = standing_decisions()
    query = (
        select(standing.c.defect, Station.name, Lot.name, func.count())
        .join(Station, Station.id == standing.c.station_id)
        .outerjoin(Lot, Lot.id == standing.c.lot_id)
        .where(standing.c.decision == Decision.CONFIRMED_DEFECT)
        .group_by(standing.c.defect, Station.name, Lot.name)
    )
    if asked.line is not None:
        query = query.where(standing.c.station_id.in_(find_stations_of_line(session, asked.line)))
    if asked.station is not None:
        query = query.where(Station.name == asked.station)
    if asked.lot is not None:
        query = query.where(Lot.name == asked.lot)
    if asked.since is not None:
        query = query.where(standing.c.decided_at >= asked.since)
    if asked.until is not None:
        query = query.where(standing.c.decided_at < asked.until)
    return [_Found(*row) for row in session.execute(query)]
