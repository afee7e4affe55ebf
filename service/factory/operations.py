"""What the outbox does for intake, the API and the sender. Each operation is one transaction, or part of intake's."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.errors import ConfigError
from inspection.verdict import Reason, Verdict
from service.alarms import Told
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.first_sight import id_on_first_sight
from service.db.tables import Station
from service.errors import NotFound
from service.factory import announcements, outbox
from service.factory.plan import FactoryPlan
from service.factory.schemas import (
    AnnouncementAnswer,
    AnnouncementRequest,
    OutboxPage,
    ReceiverAnswer,
    ReceiverList,
    VerdictMessage,
)
from service.factory.tables import Announcement, OutboxReceiver, SenderLease
from service.web.languages import mark

_PAGE_LENGTH = 200
_WAITS = mark("%(name)s: %(count)s verdicts wait")
part_number_in_force = announcements.part_number_in_force
is_any_part_number_known = announcements.is_any_part_number_known


@dataclass(frozen=True, slots=True)
class News:
    """The verdict of one trigger, as intake has just recorded it."""

    station_id: int
    station: str
    inspection_id: int
    part_id: str
    lot: str | None
    trigger_id: str
    captured_at: datetime | None
    received_at: datetime
    verdict: Verdict
    reason: Reason
    part_score: float | None
    local_score: float | None
    global_score: float | None
    bundle_id: str | None


def queue_news(session: Session, news: Iterable[News]) -> None:
    """For intake, in the transaction that records these verdicts: told of if and only if they are on record."""
    now = datetime.now(UTC)
    bodies: dict[int, list[dict[str, object]]] = {}
    for one in news:
        said = announcements.find_in_force(session, one.station, one.captured_at or one.received_at)
        message = VerdictMessage(
            message_id=uuid.uuid4().hex,
            station=one.station,
            sequence=0,
            recorded_at=now,
            part_id=one.part_id,
            lot=one.lot,
            part_number=None if said is None else said.part_number,
            trigger_id=one.trigger_id,
            captured_at=one.captured_at,
            verdict=one.verdict,
            reason=one.reason,
            part_score=one.part_score,
            local_score=one.local_score,
            global_score=one.global_score,
            inspection_id=one.inspection_id,
            bundle_id=one.bundle_id,
        )
        bodies.setdefault(one.station_id, []).append(message.model_dump(mode="json") | {"recorded_at": now.isoformat()})
    if bodies:
        outbox.add(session, bodies)


def find_lot(session: Session, station: str, moment: datetime) -> str | None:
    """For intake: the lot that the line had announced by then, for a camera that names none."""
    said = announcements.find_in_force(session, station, moment)
    return None if said is None else said.lot


def announce(database: Database, request: AnnouncementRequest, *, source: str) -> AnnouncementAnswer:
    """Record what the line says; what it leaves out stays as it was. `source` is the way it came."""
    now = datetime.now(UTC)
    moment = request.announced_at or now
    with database.writing() as session:
        station_id = id_on_first_sight(session, Station, request.station, now)
        before = announcements.find_in_force(session, request.station, moment)
        row = Announcement(
            station_id=station_id,
            announced_at=moment,
            lot=request.lot or (before.lot if before else None),
            part_number=request.part_number or (before.part_number if before else None),
            source=source,
        )
        session.add(row)
        answer = AnnouncementAnswer(
            station=request.station, lot=row.lot, part_number=row.part_number, announced_at=moment
        )
        detail = answer.model_dump(mode="json", exclude={"station"})
        append(session, Entry(Action.ANNOUNCEMENT, source, f"station {request.station}"[:160], detail))
    return answer


def get_outbox(database: Database, station: str, *, above: int) -> OutboxPage:
    """What is kept of a station behind that sequence number: for a receiver that has found a gap. Raises NotFound."""
    with database.reading() as session:
        found = outbox.find_newest(session, station)
        if found is None:
            raise NotFound(f"station {station}: has told of no verdict", "see that the service has a factory file")
        rows = outbox.find_above(session, found[0], above, limit=_PAGE_LENGTH)
        return OutboxPage(items=[VerdictMessage.model_validate(row.body) for row in rows], newest_sequence=found[1])


def register_receivers(database: Database, names: Sequence[str]) -> None:
    """Those of the factory file. A new one gets what is still kept; one that is named no more is forgotten."""
    with database.writing() as session:
        known = set(session.scalars(select(OutboxReceiver.name)))
        outbox.forget_receivers(session, names)
        for name in names:
            if name not in known:
                row = OutboxReceiver(name=name, seen_at=None, failing_since=None, failure=None)
                session.add(row)
                session.flush()
                outbox.begin_cursors(session, row.id)


def find_backlogs(database: Database, name: str, wants: Callable[[str], bool]) -> list[outbox.Backlog]:
    """What a receiver has not taken yet, of the stations it wants."""
    with database.reading() as session:
        return [one for one in outbox.find_backlogs(session, _require(session, name).id) if wants(one.station)]


def find_messages(database: Database, backlog: outbox.Backlog, *, limit: int) -> list[VerdictMessage]:
    """The next ones of a station, in order."""
    with database.reading() as session:
        rows = outbox.find_above(session, backlog.station_id, backlog.taken, limit=limit)
        return [VerdictMessage.model_validate(row.body) for row in rows]


def mark_taken(database: Database, name: str, taken: dict[int, int]) -> None:
    """The receiver has everything up to these sequence numbers, by station id."""
    with database.writing() as session:
        receiver = _require(session, name)
        receiver.seen_at, receiver.failing_since, receiver.failure = datetime.now(UTC), None, None
        for station_id, sequence in sorted(taken.items()):
            outbox.move_cursor(session, receiver.id, station_id, sequence)


def note_failure(database: Database, name: str, failure: str) -> None:
    """It could not be reached, or did not take what it was told."""
    with database.writing() as session:
        receiver = _require(session, name)
        receiver.failing_since = receiver.failing_since or datetime.now(UTC)
        receiver.failure = failure[:500]


def skip(database: Database, name: str, station: str | None, *, author: str) -> int:
    """Leave out what a receiver has not taken, of one station or of all; returns how many. Raises ConfigError."""
    with database.writing() as session:
        receiver = _require(session, name)
        backlogs = [one for one in outbox.find_backlogs(session, receiver.id) if station in (None, one.station)]
        for backlog in backlogs:
            outbox.move_cursor(session, receiver.id, backlog.station_id, backlog.newest)
        count = sum(backlog.count for backlog in backlogs)
        if count:
            detail = {one.station: {"above": one.taken, "up_to": one.newest} for one in backlogs}
            append(session, Entry(Action.MESSAGES_SKIPPED, author, f"receiver {name}"[:160], detail))
    return count


def take_lease(database: Database, holder: str, *, lasts_s: float) -> bool:
    """Be the one sender, or go on being it; False while another one is."""
    now = datetime.now(UTC)
    with database.writing() as session:
        row = session.get(SenderLease, 1, with_for_update=True)
        if row is None:
            session.add(SenderLease(id=1, holder=holder, ends_at=now + timedelta(seconds=lasts_s)))
            return True
        if row.holder != holder and row.ends_at > now:
            return False
        row.holder, row.ends_at = holder, now + timedelta(seconds=lasts_s)
        return True


def end_lease(database: Database, holder: str) -> None:
    """Another one may begin at once."""
    with database.writing() as session:
        row = session.get(SenderLease, 1, with_for_update=True)
        if row is not None and row.holder == holder:
            row.ends_at = datetime.now(UTC)


def list_receivers(database: Database, plan: FactoryPlan | None = None) -> ReceiverList:
    """How far everybody has been told; with the plan, only of the stations each wants."""
    now = datetime.now(UTC)
    with database.reading() as session:
        lease = session.get(SenderLease, 1)
        items = []
        for row in session.scalars(select(OutboxReceiver).order_by(OutboxReceiver.name)):
            wants = plan.wants_of(row.name) if plan else (lambda _station: True)
            backlogs = [one for one in outbox.find_backlogs(session, row.id) if wants(one.station)]
            items.append(
                ReceiverAnswer(
                    name=row.name,
                    waiting_count=sum(one.count for one in backlogs),
                    waiting_since=outbox.find_oldest_moment(session, backlogs),
                    seen_at=row.seen_at,
                    failure=row.failure,
                )
            )
    return ReceiverList(items=items, sender=lease.holder if lease and lease.ends_at > now else None)


def find_trouble(database: Database, plan: FactoryPlan) -> list[Told]:
    """What a person should look at: nobody sends, or somebody has not taken anything for long."""
    receivers = list_receivers(database, plan)
    limit = datetime.now(UTC) - timedelta(seconds=plan.behind_after_s)
    late = [one for one in receivers.items if one.waiting_since is not None and one.waiting_since < limit]
    said = [
        Told(_WAITS, {"name": one.name, "count": one.waiting_count}, cause=one.failure or "no failure was told")
        for one in late
    ]
    if plan.receiver_names and receivers.sender is None:
        said.insert(0, Told(mark("no sender runs")))
    return said


def remove_old(database: Database, plan: FactoryPlan) -> int:
    """Messages that everybody has who wants them, and whose time is over."""
    before = datetime.now(UTC) - timedelta(days=plan.keep_days)
    with database.writing() as session:
        receivers = list(session.scalars(select(OutboxReceiver)))
        waiting = [
            (one.station_id, one.taken)
            for row in receivers
            for one in outbox.find_backlogs(session, row.id)
            if plan.wants_of(row.name)(one.station)
        ]
        least = outbox.find_newest_of_all(session)
        for station_id, taken in waiting:
            least[station_id] = min(least[station_id], taken)
        return outbox.remove_taken(session, least, before)


def _require(session: Session, name: str) -> OutboxReceiver:
    row = session.scalar(select(OutboxReceiver).where(OutboxReceiver.name == name))
    if row is None:
        raise ConfigError(f"receiver {name}: is not known", "see `python -m service factory status`")
    return row
