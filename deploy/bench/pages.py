"""`python -m deploy.bench.pages`, or `make bench-pages`: weight, time to the first row, and CPU time of every page."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from fastapi.routing import APIRoute
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from deploy.bench.ground import empty_database, kinds_asked, untaught_bundle
from deploy.bench.pictures import PictureSource
from deploy.bench.rows import add_rows, driver_url
from deploy.bench.station import Station, run_service, signed_in
from deploy.bench.weighing import Weighed, weigh
from inspection.errors import StorageError
from inspection.terminal import emit_figures, run_command_line, say, show_table
from service.app import ROUTERS

BUDGET_MS = 150.0
_STATIONS, _POSTED = 4, 120
_COLUMNS = ["page", "HTML KB", "files KB", "first row ms", "total ms", "CPU ms", ""]
# What costs most of what one can ask a page for.
_AT_LENGTH = (
    "/spot-checks?days=365",
    "/defect-names?days=365",
    "/trends?span=days",
    "/review?search=no+part+is+called+so",
    "/review?order=newest",
)
# What no person waits for as for a page: pictures, scripts, the switch of languages.
_NO_PAGES = ("/picture", ".js", "/language/{code}", "/")
_NOT_SIGNED_IN = "/sign-in"
_PATIENCE_S = 900.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    rows: Annotated[int, typer.Option(min=1, help="Inspections in the database.")] = 20_000,
    only: Annotated[str | None, typer.Option(help="One database only: sqlite or postgresql.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Every part is held: a queue of as many.")] = False,
    tries: Annotated[int, typer.Option(min=1, help="How often each page is asked for; medians count.")] = 7,
    bundle: Annotated[Path | None, typer.Option(help="A bundle instead of the untaught one made here.")] = None,
    data: Annotated[Path, typer.Option(help="Where it works; databases there are removed.")] = Path(".kensa/bench"),
) -> None:
    """Every page against a database of ROWS inspections, as a table and in pages.json."""
    kinds = kinds_asked(only)
    chosen = bundle or untaught_bundle(data)
    details: dict[str, Any] = {"rows": rows, "all_held": held}
    for kind in kinds:
        found = measure(kind, chosen, data / f"pages-{kind}", rows, all_held=held, tries=tries)
        show_table(f"{kind}: pages with {rows} inspections", _COLUMNS, [_row(one) for one in found])
        details[kind] = [asdict(one) for one in found]
    (data / "pages.json").write_text(json.dumps(details, indent=1) + "\n")
    emit_figures(details)


def measure(kind: str, bundle: Path, folder: Path, rows: int, *, all_held: bool, tries: int) -> list[Weighed]:
    """Fill a database, start the service on it, and ask for every page."""
    with empty_database(kind, folder) as url:
        with run_service(bundle, folder, url) as station:
            say(f"{kind}: posting {_POSTED} parts")
            _post(station)
        say(f"{kind}: adding {rows} inspections")
        add_rows(driver_url(url), rows, all_held=all_held)
        with run_service(bundle, folder, url) as station:
            _wait_until_counted(station)
            say(f"{kind}: asking for every page")
            with signed_in(station) as client:
                pages = [*pages_of(client), *_AT_LENGTH, *_far_down(driver_url(url))]
                return [weigh(client, page, read_cpu_s=station.watched.precise_cpu_s, tries=tries) for page in pages]


def page_paths() -> list[str]:
    """Every page of the service, as its routes have them."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = [route.path for route in routes if not route.include_in_schema and "GET" in (route.methods or ())]
    pages = {path for path in paths if path not in _NO_PAGES and not path.endswith(_NO_PAGES[:2])}
    return sorted(path for path in pages if not path.startswith(_NOT_SIGNED_IN))


def pages_of(client: httpx.Client) -> list[str]:
    """Addresses of every page, with the numbers of things that are there."""
    newest = client.get("/api/v1/inspections", params={"limit": 1, "verdict": "HOLD"}).json()["items"]
    newest = newest or client.get("/api/v1/inspections", params={"limit": 1}).json()["items"]
    return [path.replace("{inspection_id}", str(newest[0]["id"])) for path in page_paths() if _is_known(path)]


def _far_down(url: URL) -> list[str]:
    """A search behind nine tenths of the queue, and the part opened there; none where nothing waits."""
    engine = create_engine(url)
    tenth = "(SELECT count(*) / 10 FROM waiting_parts)"
    last_first = text(
        "SELECT inspection_id FROM waiting_parts ORDER BY rank DESC, place DESC, inspection_id DESC"
        f" LIMIT 1 OFFSET {tenth}"
    )
    try:
        with engine.connect() as connection:
            found = connection.scalar(last_first)
    finally:
        engine.dispose()
    asked = "search=no+part+is+called+so"
    return [] if found is None else [f"/review?{asked}&after={found}", f"/review/{found}?{asked}", f"/review/{found}"]


def _is_known(path: str) -> bool:
    """Addresses with other numbers than an inspection's lead to what this database has not."""
    return "{" not in path.replace("{inspection_id}", "")


def _post(station: Station) -> None:
    source = PictureSource(7)
    headers = {"Authorization": f"Bearer {station.key}"}
    with httpx.Client(base_url=station.address, timeout=60.0, headers=headers) as camera:
        for number in range(_POSTED):
            fields = {
                "station": f"bench-{number % _STATIONS}",
                "part_id": f"part-{number}",
                "trigger_id": f"pages-{number}",
                "lot": f"L-{number // 10}",
            }
            answer = camera.post("/api/v1/inspections", data=fields, files={"image": ("part.jpg", source.next())})
            if answer.is_error:
                raise StorageError(f"post: status {answer.status_code}", "see the service's log")


def _wait_until_counted(station: Station) -> None:
    """Until the tallies have all but the newest minutes: a service of a year's standing has counted its year."""
    engine = create_engine(driver_url(station.database_url))
    deadline = time.monotonic() + _PATIENCE_S
    left = text(
        "SELECT (SELECT count(*) FROM inspections WHERE id > COALESCE(MAX(last_inspection_id), 0)) FROM tally_progress"
    )
    try:
        while time.monotonic() < deadline:
            with engine.connect() as connection:
                if connection.scalar(left) < 1000 and connection.scalar(text("SELECT count(*) FROM tally_progress")):
                    return
            time.sleep(1.0)
    finally:
        engine.dispose()
    raise StorageError("the service has not counted its inspections", "see the service's log")


def _row(one: Weighed) -> list[object]:
    late, dear = (value > BUDGET_MS for value in (one.total_ms, one.cpu_ms))
    mark = f"CPU over {BUDGET_MS:.0f} ms" if dear else f"over {BUDGET_MS:.0f} ms" if late else ""
    return [one.page, one.html_bytes / 1e3, one.files_bytes / 1e3, one.first_row_ms, one.total_ms, one.cpu_ms, mark]


if __name__ == "__main__":
    run_command_line(app)
