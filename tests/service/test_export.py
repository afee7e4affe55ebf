"""Exports: every row of every table, in pieces, to those who may read it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from service.callers import Role
from service.csv_text import csv_lines
from service.db.metadata import all_tables
from service.export import operations
from service.export.sheets import SHEETS
from service.nightly import nights
from service.nightly.plan import LinePlan
from tests.service.camera import INSPECTIONS, posted, runtime_of
from tests.service.credentials import make_session
from tests.service.record import Given, record

EXPORT = "/api/v1/export"
ELSEWHERE = {"stations", "lots", "parts"}
"""Their names stand in every sheet that has their numbers."""
AT_WORK = {
    "drift_watches",
    "left_off",
    "outbox_cursors",
    "outbox_receivers",
    "outbox_senders",
    "outbox_sequences",
    "review_leases",
    "tally_progress",
    "standing_decisions",
}
"""How far the service itself has come, and what it keeps of what the dispositions say; no record of anything."""
SECRET = {"person_sessions", "sign_in_links", "oidc_identities"}


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_every_row_in_several_reads(station: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_ROWS_AT_ONCE", 7)
    ids = record(runtime_of(station).database, [Given(0.1 * n, part=f"p{n}", lot=f"L{n}") for n in range(7)])
    ids += record(runtime_of(station).database, [Given(0.6, part=f"q{n}") for n in range(9)], station="検査-1")
    rows = rows_of(station.get(f"{EXPORT}/inspections").text)
    assert [int(row["id"]) for row in rows] == ids
    assert (rows[0]["station"], rows[0]["part"], rows[0]["lot"]) == ("press-3", "p0", "L0")
    assert (rows[-1]["station"], rows[-1]["lot"], rows[-1]["verdict"]) == ("検査-1", "", "HOLD")
    assert rows[0]["received_at"] == "2026-11-23T08:00:00Z"
    assert rows[0]["regions"] == "[]"
    later = rows_of(station.get(f"{EXPORT}/inspections", params={"above": ids[9]}).text)
    assert [int(row["id"]) for row in later] == ids[10:]


@pytest.mark.parametrize("name", SHEETS)
def test_every_table_has_its_header_and_all_its_rows(station: TestClient, name: str) -> None:
    number = posted(station, 1, spot=0.9)["id"]
    station.post(f"{INSPECTIONS}/{number}/dispositions", json={"decision": "confirmed_defect", "note": "=cmd()"})
    posted(station, 2, spot=0.9)
    station.post("/api/v1/profiles", json={"station": "press-3", "profile": {}})
    text = station.get(f"{EXPORT}/{name}").text
    table = all_tables().tables[name]
    header = next(csv.reader(io.StringIO(text[1:])))
    assert {column.name for column in table.columns} - SHEETS[name].without <= set(header)
    with runtime_of(station).database.reading() as session:
        count = session.scalar(select(func.count()).select_from(table))
    rows = rows_of(text)
    assert len(rows) == count
    if name == "dispositions":
        assert rows[0]["note"] == "'=cmd()"


def test_everything_is_exported_but_what_nobody_asks_for() -> None:
    assert set(all_tables().tables) == SHEETS.keys() | ELSEWHERE | AT_WORK | SECRET


def test_nothing_secret_is_exported() -> None:
    assert not SECRET & SHEETS.keys()
    for sheet in SHEETS.values():
        assert not any(word in column for column in sheet.columns for word in ("token", "password", "key_sha256"))


def test_people_and_keys_are_for_administrators(station: TestClient) -> None:
    people = rows_of(station.get(f"{EXPORT}/people").text)
    assert {row["name"]: row["role"] for row in people} == {"Aiko Tanaka": "admin"}
    assert people[0]["last_sign_in_at"]
    [key] = rows_of(station.get(f"{EXPORT}/station_keys").text)
    assert (key["stations"], key["ends_at"]) == ("*", "")
    engineer = {"Cookie": f"kensa_session={make_session(runtime_of(station).database, 'Kenji', Role.ENGINEER)}"}
    station.auth = None
    for sheet in ("people", "station_keys"):
        assert station.get(f"{EXPORT}/{sheet}", headers=engineer).status_code == 403
    assert "/api/v1/export/people" not in station.get("/export", headers=engineer).text


def test_nights_and_what_the_gate_said(station: TestClient) -> None:
    database = runtime_of(station).database
    night, _ = nights.ask(database, LinePlan(), minutes=None, author="schedule")
    nights.begin_step(database, night.id, "gate")
    found = {"report": {"passed": False}}
    nights.end_step(database, night.id, "gate", found)
    [row] = rows_of(station.get(f"{EXPORT}/nights").text)
    assert (row["name"], row["asked_by"], row["state"]) == (night.name, "schedule", "waiting")
    [step] = rows_of(station.get(f"{EXPORT}/night_steps").text)
    assert json.loads(step["figures"]) == found


def test_the_audit_trail_is_for_those_who_may_read_it(station: TestClient) -> None:
    token = make_session(runtime_of(station).database, "Vera", Role.VIEWER)
    station.auth = None
    headers = {"Cookie": f"kensa_session={token}"}
    assert station.get(f"{EXPORT}/inspections", headers=headers).status_code == 200
    assert station.get(f"{EXPORT}/audit_records", headers=headers).status_code == 403
    page = station.get("/export", headers=headers).text
    assert "/api/v1/export/dispositions" in page
    assert "audit_records" not in page


def test_what_is_no_table_is_not_found(station: TestClient) -> None:
    for name in ("person_sessions", "nothing", "inspections.csv"):
        assert station.get(f"{EXPORT}/{name}").status_code == 404


def test_cells_are_plain() -> None:
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    [text] = csv_lines(("a", "b"), [("+1", -1.5), ("@x", None), ('say "hi"', at), ("a\nb", True)])
    assert text == '\ufeffa,b\r\n\'+1,-1.5\r\n\'@x,\r\n"say ""hi""",2026-11-23T08:00:00Z\r\n"a\nb",True\r\n'
    assert len(list(csv_lines(("a",), [("x" * 40_000,)] * 5))) == 3
