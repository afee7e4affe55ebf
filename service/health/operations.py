"""The checks behind `ready`."""

from collections.abc import Callable

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from inspection.errors import StorageError
from service.health.schemas import Check, Readiness
from service.runtime import Runtime

_FAILURES = (StorageError, OperationalError, InterfaceError, PoolTimeoutError)


def check_readiness(runtime: Runtime) -> Readiness:
    """Ask all that a verdict needs. The bundle has passed its self-test, or the service would not run."""
    checks = {
        "bundle": Check(ok=True, detail=runtime.inspector.bundle_id),
        "database": _try(runtime.database.check, "answers"),
        "image_store": _try(runtime.image_store.check, "can be written"),
    }
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


def _try(check: Callable[[], None], success: str) -> Check:
    try:
        check()
    except _FAILURES as error:
        return Check(ok=False, detail=str(error).splitlines()[0])
    return Check(ok=True, detail=success)
