"""Writing findings into the record: all that wait, in one transaction. Within it, the first of a trigger counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.audit.operations import append, inspection_digest, verdicts_entry
from service.db.tables import Lot, Part, Station, StoredInspection
from service.factory.operations import News, find_lot, queue_news
from service.intake.answers import to_answer, worst_of
from service.intake.findings import PartFindings
from service.intake.queries import with_names
from service.intake.schemas import InspectionAnswer
from service.spot_checks.operations import Arrival, queue_arrivals

Key: TypeAlias = tuple[int, str]
"""Station and trigger id: what a verdict is asked for by."""
_INSPECTIONS = StoredInspection.__table__


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands in the record for a trigger, one answer an image, and whether this request put it there."""

    answers: tuple[InspectionAnswer, ...]
    was_first: bool


@dataclass(slots=True)
class NameIds:
    """Ids of names met before, so that a transaction need not ask. Only committed ones: see `remember`."""

    stations: dict[str, int] = field(default_factory=dict)
    lots: dict[str, int] = field(default_factory=dict)


class Recording:
    """One transaction. Made anew for each; `ids` outlives it."""

    def __init__(self, session: Session, ids: NameIds, *, late_after: timedelta, tells_factory: bool = False) -> None:
        self._session = session
        self._ids = ids
        self._late_after = late_after
        self._tells_factory = tells_factory
        self._is_postgresql = session.get_bind().dialect.name == "postgresql"
        self._new_stations: dict[str, int] = {}
        self._new_lots: dict[str, int] = {}

    def record(self, found: Sequence[PartFindings]) -> list[Recorded]:
        """In the order given. What another request recorded first, in this transaction or before it, stands."""
        if self._tells_factory:
            found = [self._with_lot(one) for one in found]
        self._new_stations = self._ids_of(Station, self._ids.stations, (one.trigger.station for one in found), found)
        lots = (one.trigger.lot for one in found if one.trigger.lot is not None)
        self._new_lots = self._ids_of(Lot, self._ids.lots, lots, found)
        keys = [(self._station_id(one), one.trigger.trigger_id) for one in found]
        firsts = self._first_of_each(found, keys)
        written = self._write(firsts)
        missing = [key for key in dict.fromkeys(keys) if key not in written]
        stored = self._read(missing) if missing else {}
        answers = []
        for one, key in zip(found, keys, strict=True):
            was_first = firsts.get(key) is one and key in written
            answers.append(Recorded(written[key] if key in written else stored[key], was_first))
        return answers

    def remember(self) -> None:
        """After the commit: ids that were new are known from now on."""
        self._ids.stations |= self._new_stations
        self._ids.lots |= self._new_lots
        # Lots come and go for ever; the oldest are asked for again.
        for name in list(self._ids.lots)[: max(len(self._ids.lots) - 1000, 0)]:
            del self._ids.lots[name]

    def _with_lot(self, one: PartFindings) -> PartFindings:
        """A camera that names no lot takes what the line had announced when the image was taken."""
        trigger = one.trigger
        if trigger.lot is not None:
            return one
        lot = find_lot(self._session, trigger.station, trigger.captured_at or one.received_at)
        return one if lot is None else replace(one, trigger=trigger.model_copy(update={"lot": lot}))

    def _station_id(self, one: PartFindings) -> int:
        name = one.trigger.station
        return self._ids.stations.get(name) or self._new_stations[name]

    def _lot_id(self, one: PartFindings) -> int | None:
        name = one.trigger.lot
        return None if name is None else self._ids.lots.get(name) or self._new_lots[name]

    def _first_of_each(self, found: Sequence[PartFindings], keys: list[Key]) -> dict[Key, PartFindings]:
        """Findings of triggers that are not in the record yet."""
        firsts: dict[Key, PartFindings] = {}
        for one, key in zip(found, keys, strict=True):
            firsts.setdefault(key, one)
        known = select(StoredInspection.station_id, StoredInspection.trigger_id).where(_is_any_of(list(firsts)))
        for station_id, trigger_id in self._session.execute(known):
            firsts.pop((station_id, trigger_id), None)
        return firsts

    def _write(self, firsts: dict[Key, PartFindings]) -> dict[Key, tuple[InspectionAnswer, ...]]:
        """Insert what is new; a trigger that another process commits meanwhile is left out, whole."""
        if not firsts:
            return {}
        new = list(firsts.values())
        part_ids = self._ids_of(Part, {}, [one.trigger.part_id for one in new], new)
        rows = self._rows(firsts, part_ids)
        columns = (_INSPECTIONS.c.id, _INSPECTIONS.c.station_id, _INSPECTIONS.c.trigger_id, _INSPECTIONS.c.image_number)
        created = self._session.connection().execute(self._insert_unless_there(_INSPECTIONS).returning(*columns), rows)
        ids = {(row.station_id, row.trigger_id, row.image_number): row.id for row in created}
        written: dict[Key, tuple[InspectionAnswer, ...]] = {}
        digests: dict[int, str] = {}
        rows_of: dict[Key, list[dict[str, Any]]] = {}
        for row in rows:
            rows_of.setdefault((row["station_id"], row["trigger_id"]), []).append(row)
        for key, one in firsts.items():
            mine = rows_of[key]
            numbers = [ids.get((*key, row["image_number"])) for row in mine]
            created_ids = [number for number in numbers if number is not None]
            if len(created_ids) < len(mine):
                self._session.execute(delete(StoredInspection).where(StoredInspection.id.in_(created_ids)))
                continue
            trigger = one.trigger
            for row, number in zip(mine, created_ids, strict=True):
                digests[number] = inspection_digest(trigger.station, trigger.part_id, trigger.lot, row)
            written[key] = tuple(
                to_answer(_as_row(number, row), trigger.station, trigger.part_id, trigger.lot)
                for row, number in zip(mine, created_ids, strict=True)
            )
        queue_arrivals(self._session, _arrivals(firsts, written))
        if self._tells_factory and written:
            queue_news(self._session, _news_of(written))
        if digests:
            append(self._session, verdicts_entry(digests))
        return written

    def _rows(self, firsts: dict[Key, PartFindings], part_ids: dict[str, int]) -> list[dict[str, Any]]:
        newest = self._newest_captures({key[0] for key, one in firsts.items() if one.trigger.captured_at})
        rows = []
        for key, one in firsts.items():
            captured_at = one.trigger.captured_at
            last = newest.get(key[0])
            shared = {
                "station_id": key[0],
                "part_id": part_ids[one.trigger.part_id],
                "lot_id": self._lot_id(one),
                "trigger_id": key[1],
                "captured_at": captured_at,
                "received_at": one.received_at,
                "arrived_late": captured_at is not None and one.received_at - captured_at > self._late_after,
                "arrived_out_of_order": captured_at is not None and last is not None and captured_at < last,
                "images_removed_at": None,
            }
            if captured_at is not None:
                newest[key[0]] = max(captured_at, last or captured_at)
            rows += [
                {**shared, "image_number": number, **image.columns()} for number, image in enumerate(one.images, 1)
            ]
        return rows

    def _newest_captures(self, station_ids: set[int]) -> dict[int, datetime]:
        found: dict[int, datetime] = {}
        for station_id in station_ids:
            newest = select(func.max(StoredInspection.captured_at)).where(StoredInspection.station_id == station_id)
            if (captured_at := self._session.scalar(newest)) is not None:
                found[station_id] = captured_at
        return found

    def _read(self, keys: list[Key]) -> dict[Key, tuple[InspectionAnswer, ...]]:
        query = with_names().where(_is_any_of(keys)).order_by(StoredInspection.image_number)
        found: dict[Key, tuple[InspectionAnswer, ...]] = {}
        for row in self._session.scalars(query):
            key = (row.station_id, row.trigger_id)
            answer = to_answer(row, row.station.name, row.part.name, row.lot.name if row.lot else None)
            found[key] = (*found.get(key, ()), answer)
        return found

    def _ids_of(
        self,
        table: type[Station] | type[Lot] | type[Part],
        known: dict[str, int],
        names: Iterable[str],
        found: Sequence[PartFindings],
    ) -> dict[str, int]:
        """Ids of the names that are not `known`, which are created where nobody has met them before."""
        # Sorted, so that two processes that create the same names do not wait for each other crosswise.
        wanted = sorted(set(names) - known.keys())
        if not wanted:
            return {}
        # Most of them are new: what the insert does not give back was there.
        rows = [{"name": name, "first_seen_at": found[0].received_at} for name in wanted]
        columns = (table.__table__.c.name, table.__table__.c.id)
        created = self._session.connection().execute(
            self._insert_unless_there(table.__table__).returning(*columns), rows
        )
        ids = {row[0]: row[1] for row in created}
        there = [name for name in wanted if name not in ids]
        return ids | self._look_up(table, there) if there else ids

    def _look_up(self, table: type[Station] | type[Lot] | type[Part], names: list[str]) -> dict[str, int]:
        found = self._session.execute(select(table.name, table.id).where(table.name.in_(names)))
        return {row[0]: row[1] for row in found}

    def _insert_unless_there(self, table: Any) -> Any:
        dialect = postgresql if self._is_postgresql else sqlite
        return dialect.insert(table).on_conflict_do_nothing()


def _news_of(written: dict[Key, tuple[InspectionAnswer, ...]]) -> Iterator[News]:
    """One a trigger, of the image that decides about its part."""
    for (station_id, trigger_id), answers in written.items():
        worst = worst_of(answers)
        yield News(
            station_id=station_id,
            station=worst.station,
            inspection_id=worst.id,
            part_id=worst.part_id,
            lot=worst.lot,
            trigger_id=trigger_id,
            captured_at=worst.captured_at,
            received_at=worst.received_at,
            verdict=worst.verdict,
            reason=worst.reason,
            part_score=worst.part_score,
            local_score=worst.local_score,
            global_score=worst.global_score,
            bundle_id=worst.bundle_id,
        )


def _arrivals(firsts: dict[Key, PartFindings], written: dict[Key, tuple[InspectionAnswer, ...]]) -> Iterator[Arrival]:
    """What was written, with what its station draws of it."""
    for key, answers in written.items():
        part_passed = all(answer.verdict is Verdict.PASS for answer in answers)
        for image, answer in zip(firsts[key].images, answers, strict=True):
            rates = image.plan.profile.spot_checks
            yield Arrival(answer.id, key[0], answer.verdict, answer.part_score, part_passed, rates)


def _as_row(number: int, values: dict[str, Any]) -> StoredInspection:
    """What has just been written, to be read from: an object of the ORM costs ten times as much and adds nothing."""
    return cast(StoredInspection, SimpleNamespace(id=number, **values))


def _is_any_of(keys: list[Key]) -> Any:
    """Station by station: pairs in a list SQLite compares with every inspection there is, once it has counted rows."""
    of_station: dict[int, list[str]] = {}
    for station_id, trigger_id in keys:
        of_station.setdefault(station_id, []).append(trigger_id)
    return or_(
        *(
            and_(StoredInspection.station_id == station_id, StoredInspection.trigger_id.in_(trigger_ids))
            for station_id, trigger_ids in of_station.items()
        )
    )
