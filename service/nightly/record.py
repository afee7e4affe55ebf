"""What the record has for a night: the pictures of a line that could be learned from, and what people said of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from inspection.verdict import Verdict
from service.db.tables import Station, StoredInspection
from service.nightly.guard.candidate import Said
from service.nightly.plan import LinePlan
from service.review.operations import find_standing_decisions, waiting_for_second_opinion

_AT_ONCE = 500
_DRAWS = 8


def find_station_ids(session: Session, line: LinePlan) -> list[int]:
    """Of all stations that were heard of, those of the line."""
    return [station_id for station_id, name in session.execute(select(Station.id, Station.name)) if line.covers(name)]


def find_newest_id(session: Session) -> int:
    """The newest inspection's id; 0 where there is none."""
    return session.scalar(select(func.max(StoredInspection.id))) or 0


def find_new_ids(session: Session, station_ids: Sequence[int], *, above: int, upto: int, limit: int) -> list[int]:
    """The newest inspections with a picture within these ids, in order."""
    query = _with_picture(station_ids).where(StoredInspection.id > above, StoredInspection.id <= upto)
    return sorted(session.scalars(query.order_by(StoredInspection.id.desc()).limit(limit)))


def draw_older_ids(session: Session, station_ids: Sequence[int], *, upto: int, count: int, seed: int) -> list[int]:
    """About `count` passed inspections with a picture, drawn from all up to that id, or all where they are few."""
    if count == 0 or upto == 0:
        return []
    passed = _with_picture(station_ids).where(StoredInspection.verdict == Verdict.PASS, StoredInspection.id <= upto)
    if upto <= _DRAWS * count:
        drawn = list(session.scalars(passed.order_by(StoredInspection.id)))
    else:
        rng = np.random.default_rng(seed)
        chances = np.unique(rng.integers(1, upto + 1, _DRAWS * count)).tolist()
        drawn = [
            found
            for some in _in_parts(chances)
            for found in session.scalars(passed.where(StoredInspection.id.in_(some)))
        ]
    order = np.random.default_rng(seed).permutation(len(drawn))[:count]
    return sorted(drawn[place] for place in order)


def find_rows(session: Session, inspection_ids: Sequence[int]) -> list[StoredInspection]:
    """With the names of station, part and lot, in order."""
    rows: list[StoredInspection] = []
    for some in _in_parts(inspection_ids):
        query = select(StoredInspection).where(StoredInspection.id.in_(some))
        query = query.options(
            joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
        )
        rows += session.scalars(query)
    return sorted(rows, key=lambda row: row.id)


def find_said(session: Session, rows: Sequence[StoredInspection]) -> dict[int, Said]:
    """What people say of each row's part, by part id: all of its pictures together."""
    inspections_of: dict[int, list[int]] = defaultdict(list)
    for some in _in_parts(sorted({row.part_id for row in rows})):
        query = select(StoredInspection.part_id, StoredInspection.id).where(StoredInspection.part_id.in_(some))
        for part_id, inspection_id in session.execute(query):
            inspections_of[part_id].append(inspection_id)
    said: dict[int, str] = {}
    for some in _in_parts([number for numbers in inspections_of.values() for number in numbers]):
        said |= {number: decision.value for number, decision in find_standing_decisions(session, some).items()}
    said |= dict.fromkeys(session.scalars(waiting_for_second_opinion()), Said.DISPUTED.value)
    return {
        part_id: _sum_up({said[number] for number in numbers if number in said})
        for part_id, numbers in inspections_of.items()
    }


def find_part_ids(session: Session, inspection_ids: Sequence[int]) -> set[int]:
    """The parts that these inspections are of."""
    return {
        part_id
        for some in _in_parts(inspection_ids)
        for part_id in session.scalars(select(StoredInspection.part_id).where(StoredInspection.id.in_(some)))
    }


def _sum_up(said: set[str]) -> Said:
    if not said:
        return Said.NOTHING
    if len(said) > 1 or not said <= {Said.FALSE_ALARM, Said.CONFIRMED_DEFECT}:
        return Said.DISPUTED
    return Said(said.pop())


def _with_picture(station_ids: Sequence[int]) -> Select[int]:
    return select(StoredInspection.id).where(
        StoredInspection.station_id.in_(station_ids),
        StoredInspection.image_sha256.is_not(None),
        StoredInspection.images_removed_at.is_(None),
    )


def _in_parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]
