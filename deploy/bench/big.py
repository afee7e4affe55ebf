"""The service on a database that holds a year: does it slow intake, and how long do the pages take?"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.measure import Level, Load
from deploy.bench.rows import add_rows, driver_url
from deploy.bench.station import Station, make_sign_in_token, run_service
from inspection.errors import StorageError
from service.db.engine import Database
from service.tallies.operations import catch_up

_CONNECTIONS = 16
_TRIES = 7
PAGES = (
    "/review",
    "/api/v1/inspections",
    "/api/v1/inspections?verdict=FAIL",
    "/api/v1/inspections?station=bench-0",
    "/api/v1/inspections?lot=L-1",
    "/api/v1/inspections?cursor=below-1000",
    "/api/v1/summary",
)


@dataclass(frozen=True)
class Big:
    """Intake at 16 connections, and the median milliseconds of each page."""

    row_count: int
    level: Level
    pages_ms: dict[str, float]


def measure_big(
    bundle: Path, folder: Path, url: str, row_count: int, seconds: float, tell: Callable[[str], None]
) -> Big:
    """Fill the database of a service that has ended, and load it again."""
    tell(f"adding {row_count} inspections")
    add_rows(driver_url(url), row_count)
    _count(url)
    with run_service(bundle, folder, url) as station:
        tell(f"{_CONNECTIONS} connections")
        load = Load(station, 200.0)
        load.run("big-warm", _CONNECTIONS, 0.1 * seconds)
        level = load.run("big", _CONNECTIONS, 0.2 * seconds)
        tell("pages")
        return Big(row_count, level, time_pages(station))


def _count(url: str) -> None:
    """As the service would have, in the year that they took to come: else it counts them while it is measured."""
    database = Database(driver_url(url))
    try:
        while catch_up(database):
            continue
    finally:
        database.close()


def time_pages(station: Station) -> dict[str, float]:
    """Median milliseconds of each page, as a signed-in person gets it. Raises StorageError for one that fails."""
    times = {}
    with httpx.Client(base_url=station.address, timeout=60.0, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        answer = client.post("/api/v1/session/link", json={"token": make_sign_in_token(station)})
        if answer.is_error:
            raise StorageError(f"sign-in: status {answer.status_code}", "see the service's log")
        for page in PAGES:
            times[page] = statistics.median(_milliseconds(client, page) for _ in range(_TRIES))
    return times


def _milliseconds(client: httpx.Client, page: str) -> float:
    started = time.perf_counter()
    answer = client.get(page)
    if answer.status_code != httpx.codes.OK:
        raise StorageError(f"{page}: status {answer.status_code}", "see the service's log")
    return 1e3 * (time.perf_counter() - started)
