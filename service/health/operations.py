"""The checks behind `ready`, and the whole picture for a person."""

from collections.abc import Callable

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from inspection import __version__
from inspection.errors import StorageError
from service.health.schemas import AlarmAnswer, Check, Health, Readiness
from service.runtime import Runtime

_FAILURES = (StorageError, OperationalError, InterfaceError, PoolTimeoutError)
_MOST_REPLACED = 20


def is_alive(runtime: Runtime) -> bool:
    """False where only a restart helps: scoring threads that get stuck again and again stay in memory."""
    return runtime.scoring_pool.replaced_count < _MOST_REPLACED


def check_readiness(runtime: Runtime) -> Readiness:
    """Ask all that a verdict needs. The bundle has passed its self-test, or the service would not run."""
    checks = {
        "bundle": Check(ok=True, detail=runtime.inspector.bundle_id),
        "database": _try(runtime.database.check, "answers"),
        "image_store": _try(runtime.image_store.check, "can be written"),
        "disk": _try(runtime.disk.require_room, "has room"),
        "scoring": Check(ok=is_alive(runtime), detail=f"{runtime.scoring_pool.replaced_count} threads were replaced"),
    }
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


def describe_health(runtime: Runtime) -> Health:
    """What runs, what waits, and what a person should look at."""
    readiness = check_readiness(runtime)
    return Health(
        **readiness.model_dump(),
        version=__version__,
        champion=runtime.inspector.bundle_id,
        bundles=runtime.shelf.loaded_ids,
        profile_versions=runtime.in_force.versions,
        queued_images=runtime.scoring_pool.running_count,
        disk_free_bytes=runtime.disk.free_bytes,
        alarms=[
            AlarmAnswer(name=alarm.name, meaning=alarm.meaning, detail=alarm.detail)
            for alarm in runtime.alarms.standing()
        ],
    )


def _try(check: Callable[[], None], success: str) -> Check:
    try:
        check()
    except _FAILURES as error:
        return Check(ok=False, detail=str(error).splitlines()[0])
    return Check(ok=True, detail=success)
