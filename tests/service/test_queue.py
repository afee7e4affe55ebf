"""The queue: narrowed down, ordered, paged, leased, and emptied by decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, insert, select, update

from service.callers import Role
from service.db.engine import Database
from service.db.tables import Station, StoredInspection
from service.factory.tables import Announcement
from service.review.looking import get_part_in_review, get_waiting_page
from service.review.queue_filter import QueueFilter
from service.review.tables import ReviewLease
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.credentials import make_session


@pytest.fixture
def flagged(station: TestClient) -> dict[str, int]:
    """Ids by name: held and failed ones of two stations and lots, one without a score, one that passed."""
    parts: dict[str, dict[str, Any]] = {
        "a": {"spot": 0.3, "station": "press-3", "lot": "L1", "captured_at": "2026-11-23T06:00:00Z"},
        "b": {"spot": 0.9, "station": "press-3", "lot": "L2", "captured_at": "2026-11-23T07:00:00Z"},
        "c": {"spot": 0.4, "station": "press-4", "lot": "L2", "captured_at": "2026-11-23T08:00:00Z"},
        "passed": {"spot": 0.0, "station": "press-4", "lot": "L2"},
    }
    ids = {name: int(posted(station, name, **fields)["id"]) for name, fields in parts.items()}
    return ids | {"unreadable": int(post(station, "unreadable", b"no image", station="press-4").json()["id"])}


def shown(client: TestClient, flagged: dict[str, int], **fields: Any) -> list[str]:
    """Names in the order of the queue."""
    page = get_waiting_page(runtime_of(client).database, after_id=None, wanted=QueueFilter.model_validate(fields))
    names = {number: name for name, number in flagged.items()}
    assert page.waiting_count == len(page.rows)
    return [names[row.id] for row in page.rows]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "c a unreadable b"),
        ({"order": "newest"}, "unreadable c b a"),
        ({"station": "press-3"}, "a b"),
        ({"lot": "L2"}, "c b"),
        ({"verdict": "FAIL"}, "b"),
        ({"least_score": 0.1}, "c a b"),
        ({"least_score": 2.0}, "b"),
        ({"since": "2026-11-23T07:00:00Z", "station": "press-3"}, "b"),
        ({"search": "L1"}, "a"),
        ({"search": "READABLE"}, "unreadable"),
        ({"search": "%"}, ""),
        ({"station": "nowhere"}, ""),
    ],
    ids=str,
)
def test_a_filter_shows_what_it_asks_for(
    station: TestClient, flagged: dict[str, int], fields: dict[str, Any], expected: str
) -> None:
    assert shown(station, flagged, **fields) == expected.split()
    answer = station.get("/api/v1/waiting", params=fields)
    assert answer.json() == {"waiting": len(expected.split())}


@pytest.mark.parametrize("order", ["worst", "newest"])
def test_pages_and_neighbours_follow_the_order(station: TestClient, flagged: dict[str, int], order: str) -> None:
    database, wanted = runtime_of(station).database, QueueFilter.model_validate({"order": order})
    queue = [row.id for row in get_waiting_page(database, after_id=None, wanted=wanted).rows]
    for position, identity in enumerate(queue):
        rest = get_waiting_page(database, after_id=identity, wanted=wanted).rows
        assert [row.id for row in rest] == queue[position + 1 :]
        part = get_part_in_review(database, identity, wanted=wanted)
        assert (part.previous_id, part.next_id) == (queue[position - 1], queue[(position + 1) % len(queue)])


def test_a_filter_leads_from_part_to_part(station: TestClient, flagged: dict[str, int]) -> None:
    page = station.get(f"/review/{flagged['a']}?station=press-3&search=").text
    assert f'data-next="{flagged["b"]}"' in page
    assert 'data-query="?station=press-3"' in page
    assert 'data-waiting="2"' in page


@pytest.mark.parametrize(
    "query", ["least_score=x", "verdict=MAYBE", "since=yesterday", "search=" + "x" * 129, "order=best"]
)
def test_a_wrong_filter_is_told(station: TestClient, query: str) -> None:
    for address in ("/review", "/api/v1/waiting"):
        answer = station.get(f"{address}?{query}")
        assert answer.status_code == 422
        assert answer.json()["faults"][0]["field"] == f"query.{query.split('=')[0]}"


def test_a_decision_takes_a_part_out_and_undo_puts_it_back(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['a']}/dispositions"
    first = station.post(address, json={"decision": "false_alarm", "replaces": None}).json()
    assert shown(station, flagged) == ["c", "unreadable", "b"]
    assert station.post(address, json={"decision": "withdrawn", "replaces": first["id"]}).status_code == 201
    assert shown(station, flagged) == ["c", "a", "unreadable", "b"]
    assert station.get("/api/v1/summary").json()["dispositions"]["false_alarm"] == 0
    again = station.post(address, json={"decision": "withdrawn"})
    assert again.status_code == 409


def test_a_part_that_passed_is_never_queued_by_undo(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['passed']}/dispositions"
    for decision in ("confirmed_defect", "withdrawn"):
        assert station.post(address, json={"decision": decision}).status_code == 201
    assert "passed" not in shown(station, flagged)


def test_only_ones_own_decision_is_withdrawn(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['a']}/dispositions"
    station.post(address, json={"decision": "unclear"})
    ben = {"Cookie": f"kensa_session={make_session(runtime_of(station).database, 'Ben', Role.REVIEWER)}"}
    assert station.post(address, json={"decision": "withdrawn"}, headers=ben).status_code == 409


def test_a_decision_that_was_not_seen_is_not_replaced(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['a']}/dispositions"
    station.post(address, json={"decision": "unclear"})
    unseen = station.post(address, json={"decision": "false_alarm", "replaces": None})
    assert unseen.status_code == 409
    assert "decided meanwhile" in unseen.json()["detail"]
    assert len(station.get(address).json()["items"]) == 1


def test_a_name_belongs_to_a_confirmed_defect_only(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['a']}/dispositions"
    assert station.post(address, json={"decision": "unclear", "defect": "scratch"}).status_code == 422
    answer = station.post(address, json={"decision": "confirmed_defect", "defect": " scratch "})
    assert answer.json()["defect"] == "scratch"
    page = station.get(f"/review/{flagged['b']}").text
    assert 'data-defect="scratch"' in page


def test_a_lease_keeps_others_away_until_it_ends(station: TestClient, flagged: dict[str, int]) -> None:
    database, address = runtime_of(station).database, f"{INSPECTIONS}/{flagged['c']}"
    ben = {"Cookie": f"kensa_session={make_session(database, 'Ben', Role.REVIEWER)}"}
    assert station.post(f"{address}/lease").json() == {"holder": "Aiko Tanaka", "is_mine": True}
    assert station.post(f"{address}/lease", headers=ben).json() == {"holder": "Aiko Tanaka", "is_mine": False}
    decision: dict[str, Any] = {"json": {"decision": "unclear"}, "headers": ben}
    assert station.post(f"{address}/dispositions", **decision).status_code == 409
    assert get_waiting_page(database, after_id=None, reviewer="Ben").start_id == flagged["a"]
    assert get_waiting_page(database, after_id=None, reviewer="Aiko Tanaka").start_id == flagged["c"]
    assert get_part_in_review(database, flagged["b"], reviewer="Ben").next_id == flagged["a"]
    with database.writing() as session:
        session.execute(update(ReviewLease).values(ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert station.post(f"{address}/dispositions", **decision).status_code == 201


def test_a_lease_is_given_back(station: TestClient, flagged: dict[str, int]) -> None:
    database, address = runtime_of(station).database, f"{INSPECTIONS}/{flagged['c']}/lease"
    ben = {"Cookie": f"kensa_session={make_session(database, 'Ben', Role.REVIEWER)}"}
    station.post(address)
    assert station.delete(address, headers=ben).status_code == 204
    assert station.post(address, headers=ben).json()["is_mine"] is False
    assert station.delete(address).status_code == 204
    assert station.post(address, headers=ben).json()["is_mine"] is True


def test_the_queue_looks_at_what_waits_and_at_nothing_else(station: TestClient, flagged: dict[str, int]) -> None:
    """Among a million inspections it must be as fast as among a hundred."""
    # Of its own: what the service's watch asks meanwhile does not count.
    database = Database(runtime_of(station).database.engine.url)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cursor, sql, *_: asked.append(sql))
    get_waiting_page(database, after_id=flagged["c"], wanted=QueueFilter(search="part", station="press-3"))
    database.close()
    about_inspections = [sql for sql in asked if "inspections" in sql]
    assert len(about_inspections) >= 3
    for sql in about_inspections:
        assert "FROM waiting_parts" in sql or "WHERE inspections.id = " in sql


def test_parts_to_compare_with(station: TestClient, flagged: dict[str, int]) -> None:
    for number in range(4):
        posted(station, f"good-{number}", station="press-3", lot="L1")
    last = posted(station, "last", spot=0.5, station="press-3", lot="L1")["id"]
    page = station.get(f"/review/{last}/neighbours").text
    assert page.count("<a href=") == 3 + 4
    for number in range(4):
        assert f"part-good-{number}" in page
    escaped = station.get("/api/v1/inspections", params={"verdict": "PASS", "limit": 1}).json()["items"][0]
    station.post(f"{INSPECTIONS}/{escaped['id']}/dispositions", json={"decision": "confirmed_defect"})
    good = station.get(f"/review/{last}/neighbours").text.split("Earlier in this lot")[0]
    assert escaped["part_id"] not in good
    alone = station.get(f"/review/{flagged['unreadable']}/neighbours")
    assert alone.status_code == 200


def test_a_certificate_has_all_that_is_on_record(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['b']}"
    note = {"decision": "confirmed_defect", "defect": "dent", "note": "<b>4 mm</b>"}
    assert station.post(f"{address}/dispositions", json=note).status_code == 201
    body = station.get(address).json()
    page = station.get(f"/review/{flagged['b']}/certificate").text
    trail = station.get("/api/v1/audit", params={"limit": 200}).json()["items"]
    mine = [item["sha256"] for item in trail if item["first_inspection_id"] == flagged["b"]]
    for shown in (
        body["part_id"],
        body["station"],
        "L2",
        body["bundle_id"],
        runtime_of(station).inspector.manifest.provenance.recipe_sha256,
        "dent",
        "&lt;b&gt;4 mm",
        "Aiko Tanaka",
        *mine,
    ):
        assert shown in page, shown
    assert len(mine) == 2


def test_a_certificate_of_a_bundle_that_is_gone_says_so(station: TestClient, flagged: dict[str, int]) -> None:
    with runtime_of(station).database.writing() as session:
        session.execute(update(StoredInspection).values(bundle_id="bundle-0000000000000000"))
    assert "is not on this machine any more" in station.get(f"/review/{flagged['b']}/certificate").text


def test_the_queue_is_narrowed_by_what_was_made(station: TestClient, flagged: dict[str, int]) -> None:
    assert 'name="part_number"' not in station.get("/review").text
    with runtime_of(station).database.writing() as session:
        stations = {row.name: row.id for row in session.scalars(select(Station))}
        said = [
            ("press-3", "2026-11-23T05:00:00+00:00", "KN-40"),
            ("press-3", "2026-11-23T06:30:00+00:00", "KN-41"),
            ("press-4", "2026-11-23T05:00:00+00:00", "KN-41"),
            ("press-4", "2026-11-23T07:30:00+00:00", None),
        ]
        for name, moment, part_number in said:
            at = datetime.fromisoformat(moment)
            row = {"station_id": stations[name], "announced_at": at, "part_number": part_number, "source": "test"}
            session.execute(insert(Announcement), [row])
    assert shown(station, flagged, part_number="KN-40") == ["a"]
    assert shown(station, flagged, part_number="KN-41") == ["b"]
    assert shown(station, flagged, part_number="KN-42") == []
    assert 'name="part_number"' in station.get("/review").text
