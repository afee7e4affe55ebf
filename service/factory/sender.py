"""The sender: takes from the outbox, tells every receiver in order, and goes on where it was after any failure.

At least once, in the order of each station: a number is marked as taken after the receiver has confirmed it, so that a
crash in between sends a message twice, with the same message id, and never leaves one out.
"""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from anyio.to_thread import run_sync
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.db.engine import Database
from service.factory import operations
from service.factory.mqtt import MqttReceiver
from service.factory.opcua import OpcuaReceiver
from service.factory.outbox import Backlog
from service.factory.plan import FactoryPlan
from service.factory.receiver import NotTakenError, Pauses, Receiver
from service.factory.schemas import AnnouncementRequest
from service.factory.webhook import WebhookReceiver

log = structlog.get_logger("kensa.factory")
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
_AT_ONCE = 50
_REMOVE_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are looked at."""

    poll_s: float = 0.1
    lease_s: float = 15.0
    longest_pause_s: float = 60.0


class LeaseLostError(Exception):
    """Another process sends now: this one must not go on."""


@dataclass(slots=True)
class Delivery:
    """What one receiver is told, station by station."""

    database: Database
    receiver: Receiver
    pace: Pace
    _pauses: Pauses = field(init=False)
    _blocked: dict[str, tuple[float, Pauses]] = field(default_factory=dict)
    """Stations whose next message was refused, and until when."""

    def __post_init__(self) -> None:
        self._pauses = Pauses(longest_s=self.pace.longest_pause_s)

    async def run(self) -> None:
        """For ever; whatever the receiver or the database does, it is tried again."""
        while True:
            try:
                async with self.receiver.connected():
                    while True:
                        if not await self._tell_round():
                            await asyncio.sleep(self.pace.poll_s)
            except NotTakenError as error:
                await self._note(error.failure)
            except _DATABASE_AWAY as error:
                log.error("outbox_unreachable", receiver=self.receiver.name, error=str(error).splitlines()[0])
            await asyncio.sleep(self._pauses.after_failure())

    async def _tell_round(self) -> int:
        """Every station that has something and is not blocked, side by side; returns how many messages were taken."""
        backlogs = await run_sync(operations.find_backlogs, self.database, self.receiver.name, self.receiver.wants)
        due = [one for one in backlogs if self._blocked.get(one.station, (0.0,))[0] <= time.monotonic()]
        outcomes = await asyncio.gather(*(self._tell_station(one) for one in due), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return sum(outcome for outcome in outcomes if isinstance(outcome, int))

    async def _tell_station(self, backlog: Backlog) -> int:
        messages = await run_sync(lambda: operations.find_messages(self.database, backlog, limit=_AT_ONCE))
        taken = 0
        try:
            for message in messages:
                if not await self.receiver.deliver(message):
                    break
                taken = message.sequence
        except NotTakenError as error:
            if not error.is_of_message:
                raise
            await self._block(backlog.station, taken + 1, error.failure)
        finally:
            if taken:
                sequences = {backlog.station_id: taken}
                await asyncio.shield(run_sync(operations.mark_taken, self.database, self.receiver.name, sequences))
                self._pauses.after_success()
        if taken == backlog.newest:
            self._blocked.pop(backlog.station, None)
        return len([message for message in messages if message.sequence <= taken])

    async def _block(self, station: str, sequence: int, failure: str) -> None:
        _, pauses = self._blocked.get(station, (0.0, Pauses(longest_s=self.pace.longest_pause_s)))
        self._blocked[station] = (time.monotonic() + pauses.after_failure(), pauses)
        await self._note(f"{station}: message after {sequence - 1}: {failure}")

    async def _note(self, failure: str) -> None:
        log.warning("not_taken", receiver=self.receiver.name, failure=failure)
        try:
            await run_sync(operations.note_failure, self.database, self.receiver.name, failure)
        except _DATABASE_AWAY as error:
            log.error("outbox_unreachable", receiver=self.receiver.name, error=str(error).splitlines()[0])


def make_receivers(database: Database, plan: FactoryPlan) -> list[Receiver]:
    """Everybody that the factory file names. Raises ConfigError for a secret that cannot be read."""

    def announcer(source: str) -> "_Announcer":
        return _Announcer(database, source)

    receivers: list[Receiver] = [WebhookReceiver(webhook) for webhook in plan.webhooks]
    if plan.mqtt is not None:
        receivers.append(MqttReceiver(plan.mqtt, announcer("mqtt")))
    if plan.opcua is not None:
        receivers.append(OpcuaReceiver(plan.opcua, announcer("opcua")))
    return receivers


@dataclass(frozen=True, slots=True)
class _Announcer:
    """Records what a receiver hears from the line."""

    database: Database
    source: str

    async def __call__(self, request: AnnouncementRequest) -> None:
        await run_sync(lambda: operations.announce(self.database, request, source=self.source))


async def send(
    database: Database, plan: FactoryPlan, receivers: Sequence[Receiver], *, pace: Pace | None = None
) -> None:
    """Until cancelled: be the one sender, or stand by until the other one is gone."""
    pace = pace or Pace()
    holder = f"{socket.gethostname()}:{os.getpid()}"[:128]
    try:
        while True:
            if not await _try_lease(database, holder, pace):
                await asyncio.sleep(pace.lease_s / 3)
                continue
            log.info("sending", receivers=plan.receiver_names)
            await run_sync(operations.register_receivers, database, plan.receiver_names)
            await _send_while_leased(database, plan, receivers, holder, pace)
    finally:
        with_end = asyncio.shield(run_sync(operations.end_lease, database, holder))
        await asyncio.gather(with_end, return_exceptions=True)


async def _send_while_leased(
    database: Database, plan: FactoryPlan, receivers: Sequence[Receiver], holder: str, pace: Pace
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep_lease(database, plan, holder, pace))
            for receiver in receivers:
                group.create_task(Delivery(database, receiver, pace).run())
    except* LeaseLostError:
        log.error("lease_lost", holder=holder)


async def _keep_lease(database: Database, plan: FactoryPlan, holder: str, pace: Pace) -> None:
    kept_at = time.monotonic()
    removed_at = 0.0
    while True:
        await asyncio.sleep(pace.lease_s / 3)
        if await _try_lease(database, holder, pace):
            kept_at = time.monotonic()
        # A database that is away leaves the lease as it is; once it may have ended, another one may have begun.
        elif time.monotonic() - kept_at > 2 / 3 * pace.lease_s:
            raise LeaseLostError
        if time.monotonic() - removed_at > _REMOVE_EVERY_S:
            removed_at = time.monotonic()
            await run_sync(operations.remove_old, database, plan)


async def _try_lease(database: Database, holder: str, pace: Pace) -> bool:
    try:
        return await run_sync(lambda: operations.take_lease(database, holder, lasts_s=pace.lease_s))
    except _DATABASE_AWAY as error:
        log.error("outbox_unreachable", error=str(error).splitlines()[0])
        return False
