"""The benchmark of the pages: its rows, its pages, and what it weighs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from deploy.bench.pages import page_paths
from deploy.bench.rows import add_rows
from deploy.bench.weighing import weigh
from inspection.errors import StorageError
from inspection.verdict import Verdict
from service.db.engine import Database
from service.db.migrate import upgrade
from service.db.tables import StoredInspection
from service.review.tables import Disposition, Occasion, WaitingKind, WaitingPart
from service.spot_checks.tables import DrawnFrom, SpotCheck
from tests.service.record import Given, record

FILES = {
    "/page": b'<link rel="stylesheet" href="/static/a.css"><script src="/static/a.js"></script><li>row</li>',
    "/bare": b"<p>nothing listed</p>",
    "/static/a.css": b"p {}",
    "/static/a.js": b'import { b } from "./b.js";\n',
    "/static/b.js": b'import { a } from "./a.js";\nexport const b = 1;\n',
}


@contextmanager
def served() -> Iterator[httpx.Client]:
    """A service that has `FILES`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FILES.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
        yield client
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_weighs_what_it_loads() -> None:
    with served() as client:
        spent = iter([0.0, 0.5, 0.5, 0.75])
        found = weigh(client, "/page", read_cpu_s=lambda: next(spent), tries=2)
        bare = weigh(client, "/bare", read_cpu_s=lambda: 0.0, tries=1)
        with pytest.raises(StorageError, match="/gone: status 404"):
            weigh(client, "/gone", read_cpu_s=lambda: 0.0)
    assert (found.cpu_ms, bare.cpu_ms) == (250.0, 0.0)
    assert found.html_bytes == len(FILES["/page"])
    assert found.files_bytes == sum(len(FILES[f"/static/{name}"]) for name in ("a.css", "a.js", "b.js"))
    assert 0 < found.first_row_ms <= found.total_ms
    assert bare.first_row_ms == bare.total_ms


def test_every_page_is_asked_for() -> None:
    paths = page_paths()
    assert {"/review", "/review/{inspection_id}", "/overview", "/trends", "/thresholds", "/returns"} <= set(paths)
    assert not [path for path in paths if path.startswith("/api/") or path.endswith((".js", "/picture"))]


def test_rows_come_with_their_queue_and_their_decisions(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path / 'kensa.db'}")
    database = Database(url)
    upgrade(database)
    record(database, [Given(score, part=f"p{number}") for number, score in enumerate((0.1, 0.2, 0.3, 0.6, 0.9))])
    add_rows(url, 400)
    with database.reading() as session:
        flagged = session.scalar(
            select(func.count()).where(StoredInspection.verdict != Verdict.PASS, StoredInspection.id > 5)
        )
        waiting = session.scalar(select(func.count(WaitingPart.inspection_id)))
        decided = session.scalar(select(func.count(Disposition.id)))
        newest = session.scalars(select(StoredInspection).order_by(StoredInspection.id.desc()).limit(1)).one()
        oldest = session.get_one(StoredInspection, 6)
        kinds = dict(session.execute(select(WaitingPart.kind, func.count()).group_by(WaitingPart.kind)).all())
        drawn = dict(session.execute(select(SpotCheck.drawn_from, func.count()).group_by(SpotCheck.drawn_from)).all())
        again = select(func.count()).where(Disposition.occasion == Occasion.REPEAT)
        assert session.scalar(again) == drawn.get(DrawnFrom.DECIDED, 0)
    # Of fifty parts three are flagged, some of which wait; of a hundred that passed one was drawn.
    left, drawn_count = kinds[WaitingKind.FLAGGED], drawn[DrawnFrom.PASSED]
    assert (flagged, drawn_count) == (24, 4)
    assert 0 < left < flagged / 2
    assert waiting == sum(kinds.values())
    checked = drawn_count - kinds.get(WaitingKind.SPOT_CHECK, 0)
    assert decided == flagged - left + checked + drawn.get(DrawnFrom.DECIDED, 0)
    assert newest.received_at > oldest.received_at
    database.close()


def test_a_queue_of_as_many_parts_as_rows(tmp_path: Path) -> None:
    held = Database(make_url(f"sqlite:///{tmp_path / 'held.db'}"))
    upgrade(held)
    record(held, [Given(0.1, part="p")])
    add_rows(held.engine.url, 30, all_held=True)
    with held.reading() as session:
        assert session.scalar(select(func.count(WaitingPart.inspection_id))) == 30
        assert set(session.scalars(select(WaitingPart.rank))) == {0}
        assert set(session.scalars(select(StoredInspection.verdict).where(StoredInspection.id > 1))) == {Verdict.HOLD}
    held.close()
