"""Defect names: renamed and merged with their history, and counted by what they are called today."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from service.callers import Role
from service.defect_names.renaming import Naming
from service.defect_names.tables import DefectNameChange
from tests.service.camera import INSPECTIONS, posted, runtime_of
from tests.service.credentials import make_session

CHANGES, PARETO = "/api/v1/defect-names/changes", "/api/v1/defect-names/pareto"


def naming(*changes: tuple[str, str] | int) -> Naming:
    """From renamings, and the numbers of those that are taken back."""
    rows = []
    for number, change in enumerate(changes, 1):
        old, new, back = (None, None, change) if isinstance(change, int) else (*change, None)
        rows.append(
            DefectNameChange(id=number, old_name=old, new_name=new, takes_back=back, changed_at=datetime.now(UTC))
        )
    return Naming(rows)


@pytest.mark.parametrize(
    ("changes", "today"),
    [
        ([], {"a": "a"}),
        ([("a", "b")], {"a": "b", "b": "b", "c": "c"}),
        ([("a", "b"), ("b", "c")], {"a": "c", "b": "c"}),
        ([("a", "c"), ("b", "c")], {"a": "c", "b": "c", "c": "c"}),
        ([("a", "b"), ("b", "a")], {"a": "a", "b": "a"}),
        ([("a", "b"), ("b", "c"), 1], {"a": "a", "b": "c"}),
        ([("a", "b"), ("b", "c"), 2], {"a": "b", "b": "b", "c": "c"}),
        ([("a", "b"), ("c", "a")], {"c": "a", "a": "a", "b": "b"}),
    ],
)
def test_what_a_name_is_called_today(changes: list[tuple[str, str] | int], today: dict[str, str]) -> None:
    found = naming(*changes)
    assert {name: found.today(name) for name in today} == today


@pytest.fixture
def found(station: TestClient) -> dict[str, int]:
    """Ids of confirmed defects: three names at two stations in two lots, one without a name, one false alarm."""
    given = (
        ("a", "scratch", "press-3", "L1"),
        ("b", "scratch", "press-4", "L1"),
        ("c", "scrtch", "press-4", "L2"),
        ("d", "dent", "press-4", "L2"),
        ("e", None, "press-3", "L2"),
    )
    ids = {}
    for trigger, name, press, lot in given:
        ids[trigger] = int(posted(station, trigger, spot=0.9, station=press, lot=lot)["id"])
        body = {"decision": "confirmed_defect", "defect": name}
        assert station.post(f"{INSPECTIONS}/{ids[trigger]}/dispositions", json=body).status_code == 201
    ids["alarm"] = int(posted(station, "f", spot=0.9)["id"])
    station.post(f"{INSPECTIONS}/{ids['alarm']}/dispositions", json={"decision": "false_alarm"})
    return ids


def bars(client: TestClient, **asked: str) -> dict[str | None, int]:
    report = client.get(PARETO, params=asked).json()
    assert report["total"] == sum(bar["count"] for bar in report["bars"])
    if report["bars"]:
        assert report["bars"][-1]["share_up_to_here"] == pytest.approx(1.0)
    return {bar["key"]: bar["count"] for bar in report["bars"]}


def test_pareto_by_name_station_and_lot(station: TestClient, found: dict[str, int]) -> None:
    assert list(bars(station).items()) == [("scratch", 2), ("dent", 1), ("scrtch", 1), (None, 1)]
    assert bars(station, by="station") == {"press-4": 3, "press-3": 2}
    assert bars(station, by="lot") == {"L2": 3, "L1": 2}
    assert bars(station, by="station", name="scratch") == {"press-3": 1, "press-4": 1}
    assert bars(station, lot="L2", station="press-4") == {"dent": 1, "scrtch": 1}
    assert bars(station, until="2020-01-01T00:00:00Z") == {}
    assert station.get(PARETO, params={"by": "colour"}).status_code == 422


def test_a_merge_counts_at_once_and_decisions_keep_what_was_said(station: TestClient, found: dict[str, int]) -> None:
    answer = station.post(CHANGES, json={"old_name": "scrtch", "new_name": "scratch", "note": "spelling"})
    assert answer.status_code == 201
    assert bars(station) == {"scratch": 3, "dent": 1, None: 1}
    stored = station.get(f"{INSPECTIONS}/{found['c']}/dispositions").json()["items"]
    assert stored[-1]["defect"] == "scrtch"
    page = station.get(f"/review/{found['c']}").text
    assert "(scratch)" in page
    assert 'data-defect="scrtch"' not in page
    again = station.post(CHANGES, json={"old_name": "scrtch", "new_name": "dent"})
    assert again.status_code == 409
    assert "is called scratch already" in again.json()["detail"]


def test_a_change_is_taken_back_once_and_stays_in_the_history(station: TestClient, found: dict[str, int]) -> None:
    change = station.post(CHANGES, json={"old_name": "dent", "new_name": "scratch"}).json()
    answer = station.post(f"{CHANGES}/{change['id']}/taking-back")
    assert answer.json()["taken_back_by"] == "Aiko Tanaka"
    assert bars(station)["dent"] == 1
    assert station.post(f"{CHANGES}/{change['id']}/taking-back").status_code == 409
    assert station.post(f"{CHANGES}/4711/taking-back").status_code == 404
    assert [item["id"] for item in station.get(CHANGES).json()["items"]] == [change["id"]]
    records = station.get("/api/v1/audit").json()["items"]
    assert [record["action"] for record in records[:2]] == ["defect_name", "defect_name"]


def test_only_an_engineer_changes_names(station: TestClient, found: dict[str, int]) -> None:
    database = runtime_of(station).database
    ben = {"Cookie": f"kensa_session={make_session(database, 'Ben', Role.REVIEWER)}"}
    assert station.post(CHANGES, json={"old_name": "dent", "new_name": "x"}, headers=ben).status_code == 403
    page = station.get("/defect-names", headers=ben).text
    assert "Rename or merge" not in page
    assert "scratch" in page


def test_the_page_has_the_chart_and_the_same_as_a_table(station: TestClient, found: dict[str, int]) -> None:
    answer = station.get("/defect-names?by=lot")
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]
    assert 'id="pareto"' in answer.text
    assert "&#34;ticktext&#34;: [&#34;L2&#34;, &#34;L1&#34;]" in answer.text
    assert '<a href="/defect-names?by=name&amp;days=90&amp;lot=L2">L2</a>' in answer.text
