"""From settings to a runtime: everything started in its order, and stopped in the opposite one."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio.to_thread import run_sync

from inspection.inspector import Inspector
from service.alarms import Alarms
from service.bundle_shelf import BundleShelf
from service.challenge.gate import ChallengeGate
from service.db.engine import Database
from service.disk import Disk
from service.factory.plan import FactoryPlan, read_plan
from service.images.image_store import ImageStore
from service.images.opening import open_image_store
from service.images.storer import Storer
from service.in_force import InForce
from service.intake.recorder import Recorder
from service.metrics import Metrics
from service.nightly.plan import NightPlan
from service.nightly.plan import read_plan as read_night_plan
from service.registry.operations import promote_unless_ever
from service.review.operations import catch_up as note_standing_decisions
from service.runtime import Runtime
from service.scoring.pool import PoolLimits, ScoringPool
from service.settings import ServiceSettings
from service.shadow.scorer import ShadowScorer
from service.watch import Watch


@asynccontextmanager
async def running(settings: ServiceSettings, inspector: Inspector) -> AsyncIterator[Runtime]:
    """A runtime that judges by `inspector` until another is promoted. At the end, what was taken is finished."""
    nights, factory = _plans(settings)
    database = Database(settings.resolved_database_url, patience_s=settings.database_patience_s)
    metrics, alarms = Metrics(), Alarms()
    limits = _pool_limits(settings, on_gpu=inspector.session.on_gpu)
    shelf = BundleShelf(settings.bundle_directory, batch_limit=limits.batch_limit)
    shelf.place(inspector, settings.bundle)
    image_store = open_image_store(settings.images, settings.image_directory)
    disk = _disk(settings, image_store, alarms)
    storer, recorder = _writers(settings, database, image_store, disk, metrics, factory, lambda: pool.running_count)
    try:
        await run_sync(_prepare, database, inspector)
        async with _writing(storer, recorder), ScoringPool(limits, on_batch=metrics.batch_sizes.observe) as pool:
            in_force = InForce(database, shelf, inspector, nights.scopes)
            await in_force.refresh()
            challenge = ChallengeGate(database, settings.shifts)
            await challenge.refresh()
            shadow = ShadowScorer(database, image_store, shelf, busy_count=lambda: pool.running_count)
            runtime = Runtime(
                database=database,
                image_store=image_store,
                storer=storer,
                scoring_pool=pool,
                recorder=recorder,
                shelf=shelf,
                in_force=in_force,
                disk=disk,
                alarms=alarms,
                metrics=metrics,
                shifts=settings.shifts,
                challenge=challenge,
                shadow=shadow,
                drift_rate=settings.drift_false_alarms_a_month,
                nights=nights,
                factory=factory,
            )
            async with _watched(runtime, settings):
                yield runtime
    finally:
        database.close()


def _writers(
    settings: ServiceSettings,
    database: Database,
    image_store: ImageStore,
    disk: Disk,
    metrics: Metrics,
    factory: FactoryPlan | None,
    under_way_count: Callable[[], int],
) -> tuple[Storer, Recorder]:
    """Of images and of verdicts; both gather what comes while many are under way."""
    storer = Storer(
        image_store,
        require_room=disk.require_room,
        on_put=metrics.stages.labels("store").observe,
        under_way_count=under_way_count,
    )
    recorder = Recorder(
        database,
        late_after_s=settings.late_after_s,
        patience_s=settings.database_patience_s,
        tells_factory=factory is not None,
        on_commit=metrics.commit_sizes.observe,
        under_way_count=under_way_count,
    )
    return storer, recorder


@asynccontextmanager
async def _writing(storer: Storer, recorder: Recorder) -> AsyncIterator[None]:
    """What is judged becomes durable, to the last part that was taken."""
    storer.start()
    recorder.start()
    try:
        yield
    finally:
        await run_sync(storer.close)
        await run_sync(recorder.close)


@asynccontextmanager
async def _watched(runtime: Runtime, settings: ServiceSettings) -> AsyncIterator[None]:
    """Changes are followed and trouble is told of; challengers score until the end."""
    _watch_figures(runtime)
    runtime.shadow.start()
    watch = Watch(runtime, settings.watch_s, bundle_check_s=settings.bundle_check_s)
    watching = asyncio.create_task(watch.run())
    # What stands now stays: the collector need not look through it again for every few hundred images.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        watch.stop()
        await watching
        await run_sync(runtime.shadow.close)


def _prepare(database: Database, inspector: Inspector) -> None:
    """What must stand in the database before anybody asks."""
    promote_unless_ever(database, inspector.bundle_id, author="start of the service")
    note_standing_decisions(database)


def _plans(settings: ServiceSettings) -> tuple[NightPlan, FactoryPlan | None]:
    """Raises ConfigError."""
    factory = None if settings.factory is None else read_plan(settings.factory)
    return read_night_plan(settings.nights), factory


def _disk(settings: ServiceSettings, image_store: ImageStore, alarms: Alarms) -> Disk:
    low, reserve = settings.disk_low_mb * 2**20, settings.disk_reserve_mb * 2**20
    return Disk(image_store.disk, alarms, low_bytes=low, reserve_bytes=reserve)


def _pool_limits(settings: ServiceSettings, *, on_gpu: bool) -> PoolLimits:
    return PoolLimits(
        queue_limit=settings.queue_limit,
        scorer_count=settings.scoring_threads or (1 if on_gpu else len(os.sched_getaffinity(0))),
        batch_limit=settings.batch_limit or (8 if on_gpu else 1),
        batch_deadline_s=settings.batch_deadline_ms / 1e3,
        timeout_s=settings.judging_timeout_s,
    )


def _watch_figures(runtime: Runtime) -> None:
    """Figures that are read when somebody asks."""
    metrics, pool, disk = runtime.metrics, runtime.scoring_pool, runtime.disk
    metrics.watch("kensa_queue_images", "Images that wait for their verdict.", lambda: pool.running_count)
    metrics.watch("kensa_record_queue", "Requests that wait to be recorded.", lambda: runtime.recorder.waiting_count)
    metrics.watch("kensa_scorers_replaced", "Threads that died or were stuck.", lambda: pool.replaced_count)
    metrics.watch("kensa_disk_free_bytes", "Free space for images; -1 unknown.", lambda: _or_unknown(disk.free_bytes))
    metrics.watch_alarms(runtime.alarms)


def _or_unknown(value: int | None) -> float:
    return -1 if value is None else value
