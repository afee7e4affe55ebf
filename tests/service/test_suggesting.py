"""A defect's name is suggested from a few examples, by what its region looks like to the student."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.bundle.reader import open_bundle
from inspection.images.decode import encode_png
from inspection.images.preprocess import Preprocessing
from service.registry.operations import shelve
from service.review.looking import get_part_in_review, get_waiting_page
from service.review.queue_filter import QueueFilter
from service.review.suggesting import Suggesting
from tests.browser.flanges import INPUT_PX, LIMITS, flange_picture, make_flange_bundle
from tests.bundles import make_bundle
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.conftest import MakeStation

LINE = '[[lines]]\nname = "presses"\nstations = ["press-*"]\n'


def test_names_follow_from_a_few_examples_of_each(make_station: MakeStation, tmp_path: Path) -> None:
    make_flange_bundle(tmp_path / "flanges")
    client = make_station(inspector=open_bundle(tmp_path / "flanges", threads=1))
    runtime = runtime_of(client)
    ids: dict[int, str] = {}
    for number in range(26):
        kind = ("stain", "undrilled")[number % 2]
        answer = post(client, number, encode_png(flange_picture(500 + number, kind))).json()
        if answer["verdict"] != "PASS":
            ids[answer["id"]] = kind
    suggesting = Suggesting()
    assert suggesting.look(runtime) == 0
    given = [number for kind in ("stain", "undrilled") for number in [key for key in ids if ids[key] == kind][:4]]
    for number in given:
        body = {"decision": "confirmed_defect", "defect": ids[number]}
        assert client.post(f"{INSPECTIONS}/{number}/dispositions", json=body).status_code == 201
    rest = ids.keys() - set(given)
    looked_at = sum(suggesting.look(runtime) for _ in range(6))
    assert looked_at == len(rest) >= 4
    page = get_waiting_page(runtime.database, after_id=None)
    suggested = {waiting.inspection_id: waiting.suggested_defect for waiting in page.waiting}
    told = [number for number, name in suggested.items() if name is not None]
    assert len(told) >= len(rest) / 2
    # The tests' student embeds as pixels, so that some will be mistaken.
    assert sum(ids[number] == suggested[number] for number in told) >= 0.75 * len(told)
    first = told[0]
    suggestion = get_part_in_review(runtime.database, first).suggestion
    assert suggestion is not None
    assert suggestion.name == suggested[first]
    page_text = client.get(f"/review/{first}").text
    assert f'<small class="likeness">{float(f"{suggestion.similarity:.2g}") * 100:.0f}%</small>' in page_text
    asked = QueueFilter.model_validate({"defect": suggested[first]})
    shown = [row.id for row in get_waiting_page(runtime.database, after_id=None, wanted=asked).rows]
    assert shown == [number for number in suggested if suggested[number] == suggested[first]]


def test_a_champion_of_one_line_lets_its_parts_be_looked_at_anew(make_station: MakeStation, tmp_path: Path) -> None:
    (tmp_path / "nights.toml").write_text(LINE)
    make_flange_bundle(tmp_path / "flanges")
    client = make_station(inspector=open_bundle(tmp_path / "flanges", threads=1), nights=tmp_path / "nights.toml")
    runtime, suggesting = runtime_of(client), Suggesting()
    at_station: dict[str, list[int]] = {"press-1": [], "mill-1": []}
    for number in range(16):
        station = ("press-1", "mill-1")[number % 2]
        picture = encode_png(flange_picture(700 + number, "stain"))
        answer = post(client, number, picture, station=station).json()
        if answer["verdict"] != "PASS":
            at_station[station].append(answer["id"])
    for number in at_station["press-1"][:3]:
        body = {"decision": "confirmed_defect", "defect": "stain"}
        assert client.post(f"{INSPECTIONS}/{number}/dispositions", json=body).status_code == 201
    waiting = {station: len(ids) - 3 * (station == "press-1") for station, ids in at_station.items()}
    assert min(waiting.values()) >= 1
    assert sum(suggesting.look(runtime) for _ in range(6)) == sum(waiting.values())
    make_bundle(tmp_path / "own", preprocessing=Preprocessing(input_px=INPUT_PX), thresholds=LIMITS)
    own = shelve(tmp_path / "own", runtime.shelf.directory)
    body = {"bundle_id": own, "line": "presses"}
    assert client.post("/api/v1/bundles/promotions", json=body).status_code == 201
    assert sum(suggesting.look(runtime) for _ in range(6)) == waiting["press-1"]
    assert suggesting.look(runtime) == 0


def test_what_comes_up_next_is_looked_at_first(make_station: MakeStation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.review.suggesting.LOOKED_AHEAD", 4)
    client = make_station()
    ids = [posted(client, number, spot=0.9)["id"] for number in range(9)]
    for number in ids[:3]:
        body = {"decision": "confirmed_defect", "defect": "spot"}
        assert client.post(f"{INSPECTIONS}/{number}/dispositions", json=body).status_code == 201
    suggesting, runtime = Suggesting(), runtime_of(client)
    assert [suggesting.look(runtime) for _ in range(3)] == [4, 0, 0]
    page = get_waiting_page(runtime.database, after_id=None)
    decided = page.waiting[0].inspection_id
    assert client.post(f"{INSPECTIONS}/{decided}/dispositions", json={"decision": "false_alarm"}).status_code == 201
    assert [suggesting.look(runtime) for _ in range(2)] == [1, 0]
