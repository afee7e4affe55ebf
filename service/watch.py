"""What is looked at all the time while the service runs: changes to follow, and trouble to tell of."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from inspection.errors import BundleError
from service.alarms import Told
from service.drift import operations as drift
from service.factory import operations as factory
from service.outcome import Outcome
from service.review import operations as review
from service.review.suggesting import Suggesting
from service.runtime import Runtime
from service.tallies.operations import catch_up
from service.web.languages import mark

log = structlog.get_logger("kensa.watch")
_FAILED = mark("%(station)s: %(parts)s")
_BUNDLE_CHECK_S = 60.0
_CLOCK_TOLERANCE_S = 2.0
_CHUNKS_AT_ONCE = 10


class Watch:
    """Looks every `every_s`. What it finds goes to the alarms; nothing it finds ends it."""

    def __init__(
        self,
        runtime: Runtime,
        every_s: float,
        *,
        wall: Callable[[], float] = time.time,
        bundle_check_s: float = _BUNDLE_CHECK_S,
    ) -> None:
        self._runtime = runtime
        self._every_s = every_s
        self._wall = wall
        self._bundle_check_s = bundle_check_s
        self._bundles_checked_at = time.monotonic()
        self._replaced_count = 0
        self._suggesting = Suggesting()
        self._is_stopping = asyncio.Event()
        self._clock_lead_s = self._read_clock_lead()

    async def run(self) -> None:
        """Until `stop`; a look that has begun is finished, since it may hold a connection."""
        while not self._is_stopping.is_set():
            await self._look_whatever_comes()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._is_stopping.wait()

    def stop(self) -> None:
        """Let `run` end."""
        self._is_stopping.set()

    async def _look_whatever_comes(self) -> None:
        with Outcome() as outcome:
            await self.look()
        if isinstance(outcome.failure, asyncio.CancelledError):
            raise outcome.failure
        if outcome.failure is not None:
            log.error("watch_failed", exc_info=outcome.failure)

    async def look(self) -> None:
        """Once."""
        await self._follow_changes()
        await run_sync(self._runtime.disk.look)
        self._look_at_pool()
        self._look_at_clock()
        if time.monotonic() - self._bundles_checked_at >= self._bundle_check_s:
            self._bundles_checked_at = time.monotonic()
            await run_sync(self._check_bundles)

    async def _look_at_factory(self) -> None:
        plan, alarms = self._runtime.factory, self._runtime.alarms
        if plan is not None:
            alarms.set("factory_behind", await run_sync(factory.find_trouble, self._runtime.database, plan))

    async def _look_at_drift(self) -> None:
        runtime = self._runtime
        if await run_sync(lambda: drift.catch_up(runtime.database, rate=runtime.drift_rate)):
            await runtime.in_force.refresh()
        standing = await run_sync(drift.describe_standing, runtime.database)
        for kind, stations in standing.items():
            runtime.alarms.set(f"drift_{kind}", stations)

    async def _follow_changes(self) -> None:
        """Profiles and promotions: another replica or a command may have made them."""
        alarms, in_force = self._runtime.alarms, self._runtime.in_force
        try:
            await in_force.refresh()
            await self._runtime.challenge.refresh()
            await run_sync(self._count_arrivals)
            await run_sync(lambda: review.catch_up(self._runtime.database, newest_only=True))
            await self._look_at_factory()
            await self._look_at_drift()
            await run_sync(self._runtime.shadow.follow)
            await run_sync(self._suggesting.look, self._runtime)
        except SQLAlchemyError as error:
            alarms.raise_alarm("database_failing", str(error).splitlines()[0], until_lowered=True)
            return
        alarms.lower("database_failing")
        failures = self._runtime.challenge.failures().items()
        failed = [Told(_FAILED, {"station": name, "parts": ", ".join(parts)}) for name, parts in failures]
        alarms.set("challenge_failed", failed)
        alarms.set("not_in_force", in_force.troubles)

    def _count_arrivals(self) -> None:
        # A few chunks at a time: cameras wait for none of them, and a year is counted within a minute.
        for _ in range(_CHUNKS_AT_ONCE):
            if not catch_up(self._runtime.database):
                return

    def _look_at_pool(self) -> None:
        pool = self._runtime.scoring_pool
        if pool.replaced_count > self._replaced_count:
            self._replaced_count = pool.replaced_count
            self._runtime.alarms.raise_alarm(
                "scorer_replaced", [Told(mark("%(count)s times since the start"), {"count": pool.replaced_count})]
            )

    def _look_at_clock(self) -> None:
        # The monotonic clock goes on whatever anybody does to the other.
        lead_s = self._read_clock_lead()
        if lead_s < self._clock_lead_s - _CLOCK_TOLERANCE_S:
            by_s = round(self._clock_lead_s - lead_s)
            self._runtime.alarms.raise_alarm("clock_set_back", [Told(mark("by %(seconds)s s"), {"seconds": by_s})])
        self._clock_lead_s = lead_s

    def _check_bundles(self) -> None:
        damages = []
        for bundle_id in self._runtime.shelf.loaded_ids:
            try:
                self._runtime.shelf.check(bundle_id)
            except BundleError as error:
                damages.append(Told(mark("bundle %(name)s"), {"name": bundle_id}, cause=str(error)))
        self._runtime.alarms.set("bundle_damaged", damages)

    def _read_clock_lead(self) -> float:
        return self._wall() - time.monotonic()
