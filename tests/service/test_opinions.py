"""Several people's decisions about one part: which one stands, who is asked next, and what settles it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.callers import Role
from service.review.looking import get_part_in_review, get_waiting_page
from service.review.opinions import in_dispute, standing_of
from service.review.tables import Decision, Disposition, Occasion
from tests.service.camera import INSPECTIONS, posted, runtime_of
from tests.service.credentials import make_session

DEFECT, ALARM, UNCLEAR, WITHDRAWN = Decision
FIRST, REPEAT, SECOND = Occasion


def told(*rows: tuple[Any, ...]) -> list[Disposition]:
    """Dispositions from (reviewer, decision[, occasion[, withdraws]]), numbered from 1."""
    defaults = (None, None, FIRST, None)
    filled = [(*row, *defaults[len(row) :]) for row in rows]
    return [
        Disposition(id=number, reviewer=who, decision=said, occasion=occasion, withdraws=withdraws, settles=[])
        for number, (who, said, occasion, withdraws) in enumerate(filled, 1)
    ]


@pytest.mark.parametrize(
    ("rows", "standing", "disputed"),
    [
        ([], None, []),
        ([("a", DEFECT)], 1, []),
        ([("a", UNCLEAR)], 1, [1]),
        ([("a", UNCLEAR), ("a", ALARM)], 2, []),
        ([("a", DEFECT), ("a", WITHDRAWN, FIRST, 1)], None, []),
        ([("a", DEFECT), ("b", ALARM)], 2, [1, 2]),
        ([("a", DEFECT), ("b", DEFECT)], 2, []),
        ([("a", DEFECT), ("b", ALARM), ("b", WITHDRAWN, FIRST, 2)], 1, []),
        ([("a", DEFECT), ("b", ALARM), ("c", ALARM, SECOND)], 3, []),
        ([("a", UNCLEAR), ("b", UNCLEAR, SECOND)], 2, []),
        ([("a", UNCLEAR), ("b", ALARM, SECOND), ("b", WITHDRAWN, SECOND, 2)], 1, [1]),
        ([("a", DEFECT), ("b", DEFECT, REPEAT)], 1, []),
        ([("a", DEFECT), ("b", ALARM, REPEAT)], 1, [1, 2]),
        ([("a", DEFECT), ("a", ALARM, REPEAT)], 1, [1, 2]),
        ([("a", DEFECT), ("b", ALARM), ("c", ALARM, SECOND), ("d", DEFECT)], 4, [3, 4]),
        ([("a", DEFECT), ("b", ALARM), ("c", ALARM, SECOND), ("d", ALARM, REPEAT)], 3, []),
    ],
)
def test_which_stands_and_which_are_in_dispute(
    rows: list[tuple[Any, ...]], standing: int | None, disputed: list[int]
) -> None:
    dispositions = told(*rows)
    stands = standing_of(dispositions)
    assert (stands.id if stands else None) == standing
    assert [row.id for row in in_dispute(dispositions)] == disputed


class People:
    """Some people who decide about one part that was held."""

    def __init__(self, station: TestClient) -> None:
        self.station = station
        self.database = runtime_of(station).database
        self.id = int(posted(station, "t", spot=0.3)["id"])

    def decide(self, name: str, decision: str, **fields: Any) -> Any:
        cookie = {"Cookie": f"kensa_session={make_session(self.database, name, Role.REVIEWER)}"}
        body = {"decision": decision, **fields}
        return self.station.post(f"{INSPECTIONS}/{self.id}/dispositions", json=body, headers=cookie)

    def waits_for(self, name: str) -> bool:
        return self.id in [row.id for row in get_waiting_page(self.database, after_id=None, reviewer=name).rows]

    def sees(self, name: str) -> str | None:
        seen = get_part_in_review(self.database, self.id, reviewer=name).disposition
        return seen.decision.value if seen else None


@pytest.fixture
def people(station: TestClient) -> People:
    return People(station)


def test_who_is_unsure_hands_the_part_to_another_person(people: People) -> None:
    first = people.decide("Ann", "unclear", replaces=None).json()
    assert (people.waits_for("Ann"), people.waits_for("Ben")) == (False, True)
    assert get_waiting_page(people.database, after_id=None, reviewer="Ann").for_others_count == 1
    assert (people.sees("Ann"), people.sees("Ben")) == ("unclear", None)
    settled = people.decide("Ben", "false_alarm", replaces=None).json()
    assert (settled["occasion"], settled["settles"]) == ("second_opinion", [first["id"]])
    assert not people.waits_for("Cleo")
    assert people.sees("Ann") == "false_alarm"


def test_two_who_see_it_differently_are_settled_by_a_third(people: People) -> None:
    first = people.decide("Ann", "confirmed_defect", defect="dent").json()
    second = people.decide("Ben", "false_alarm", replaces=first["id"]).json()
    assert [people.waits_for(name) for name in ("Ann", "Ben", "Cleo")] == [False, False, True]
    settled = people.decide("Cleo", "confirmed_defect", replaces=None).json()
    assert settled["settles"] == [first["id"], second["id"]]
    assert people.station.get("/api/v1/summary").json()["second_opinions"] == 0
    withdrawn = people.decide("Cleo", "withdrawn", replaces=settled["id"]).json()
    assert withdrawn["withdraws"] == settled["id"]
    assert people.waits_for("Cleo")


def test_nobody_withdraws_what_others_have_built_upon(people: People) -> None:
    people.decide("Ann", "unclear")
    people.decide("Ben", "false_alarm")
    assert people.decide("Ann", "withdrawn").status_code == 409


def test_the_audit_trail_agrees_with_what_was_stored(people: People) -> None:
    from service.audit.verification import verify

    people.decide("Ann", "unclear", marks={"drawn": [{"x_px": 1, "y_px": 2, "width_px": 3, "height_px": 4}]})
    people.decide("Ben", "confirmed_defect")
    people.decide("Ben", "withdrawn")
    found = verify(people.database)
    assert (found.findings, found.disposition_count) == ([], 3)


def test_what_a_person_drew_stays_apart_from_the_machines_regions(people: People) -> None:
    before = people.station.get(f"{INSPECTIONS}/{people.id}").json()["regions"]
    marks = {"drawn": [{"x_px": 10, "y_px": 20, "width_px": 30, "height_px": 40}], "erased": [1]}
    assert people.decide("Ann", "confirmed_defect", marks=marks).json()["marks"] == marks
    assert people.station.get(f"{INSPECTIONS}/{people.id}").json()["regions"] == before
    page = people.station.get(f"/review/{people.id}").text
    assert '<rect class="drawn" x="10" y="20" width="30" height="40"/>' in page
    assert 'class="region erased"' in page
    for wrong in ({"drawn": [{"x_px": -1, "y_px": 0, "width_px": 1, "height_px": 1}]}, {"erased": [0]}, {"more": 1}):
        assert people.decide("Ann", "unclear", marks=wrong).status_code == 422


def test_one_decision_about_many_tells_what_it_left_alone(station: TestClient) -> None:
    ids = [int(posted(station, f"m{number}", spot=0.3)["id"]) for number in range(4)]
    database = runtime_of(station).database
    ben = {"Cookie": f"kensa_session={make_session(database, 'Ben', Role.REVIEWER)}"}
    station.post(f"{INSPECTIONS}/{ids[1]}/lease", headers=ben)
    station.post(f"{INSPECTIONS}/{ids[2]}/dispositions", json={"decision": "false_alarm"}, headers=ben)
    items = [{"id": number, "replaces": None} for number in [*ids, 4711]]
    body = {"inspections": items, "decision": "confirmed_defect", "defect": "dent"}
    answer = station.post("/api/v1/dispositions", json=body).json()
    assert [(one["inspection_id"], one["defect"]) for one in answer["stored"]] == [(ids[0], "dent"), (ids[3], "dent")]
    problems = {one["inspection_id"]: one["problem"] for one in answer["refused"]}
    assert "Ben is looking" in problems[ids[1]]
    assert "decided meanwhile" in problems[ids[2]]
    assert "does not exist" in problems[4711]
    back = [{"id": one["inspection_id"], "replaces": one["id"]} for one in answer["stored"]]
    undone = station.post("/api/v1/dispositions", json={"inspections": back, "decision": "withdrawn"}).json()
    assert len(undone["stored"]) == 2
    waiting = {row.id for row in get_waiting_page(database, after_id=None, reviewer="Aiko Tanaka").rows}
    assert waiting == {ids[0], ids[1], ids[3]}


def test_a_name_is_for_defects_only_also_for_many(station: TestClient) -> None:
    body = {"inspections": [{"id": 1}], "decision": "unclear", "defect": "dent"}
    assert station.post("/api/v1/dispositions", json=body).status_code == 422
    assert station.post("/api/v1/dispositions", json=body | {"inspections": []}).status_code == 422
