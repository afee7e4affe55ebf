"""A defect's name is suggested from a few examples, by what its region looks like to the student."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspection.bundle.reader import open_bundle
from inspection.images.decode import encode_png
from service.review.looking import get_part_in_review, get_waiting_page
from service.review.queue_filter import QueueFilter
from service.review.suggesting import Suggesting, embed_region, nearest_name
from tests.browser.flanges import flange_picture, make_flange_bundle
from tests.service.camera import INSPECTIONS, post, runtime_of
from tests.service.conftest import MakeStation


def around(x: float, y: float, spread: float = 0.1) -> list[np.ndarray]:
    return [np.array([x + dx, y + dy], np.float32) for dx, dy in ((spread, 0), (-spread, 0), (0, spread))]


@pytest.mark.parametrize(
    ("own", "name"),
    [((0.0, 0.0), "a"), ((3.05, 0.0), "b"), ((1.5, 0.0), None), ((0.0, 0.5), None)],
)
def test_a_name_is_suggested_only_where_its_examples_are(own: tuple[float, float], name: str | None) -> None:
    examples = {"a": around(0, 0), "b": around(3, 0), "too few": around(0, 0)[:2]}
    assert nearest_name(np.array(own, np.float32), examples) == name


def test_without_examples_nothing_is_suggested() -> None:
    assert nearest_name(np.zeros(2, np.float32), {"a": around(0, 0)[:2]}) is None


def test_the_region_is_described_against_what_is_around_it() -> None:
    anomaly_map = np.zeros((2, 8, 8), np.float32)
    anomaly_map[1, 2:4, 2:4] = 1.0
    embeddings = np.full((2, 4, 4, 2), 5.0, np.float32)
    embeddings[1, 1, 1] = (7.0, 2.0)
    assert embed_region(anomaly_map, embeddings).tolist() == [2.0, -3.0]


def test_names_follow_from_a_few_examples_of_each(make_station: MakeStation, tmp_path: Path) -> None:
    make_flange_bundle(tmp_path / "flanges")
    client = make_station(inspector=open_bundle(tmp_path / "flanges", threads=1))
    runtime = runtime_of(client)
    ids: dict[int, str] = {}
    for number in range(26):
        kind = ("stain", "dent")[number % 2]
        answer = post(client, number, encode_png(flange_picture(500 + number, kind))).json()
        if answer["verdict"] != "PASS":
            ids[answer["id"]] = kind
    suggesting = Suggesting()
    assert suggesting.look(runtime) == 0
    given = [number for kind in ("stain", "dent") for number in [key for key in ids if ids[key] == kind][:4]]
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
    assert get_part_in_review(runtime.database, first).suggested_defect == suggested[first]
    assert "suggested" in client.get(f"/review/{first}").text
    asked = QueueFilter.model_validate({"defect": suggested[first]})
    shown = [row.id for row in get_waiting_page(runtime.database, after_id=None, wanted=asked).rows]
    assert shown == [number for number in suggested if suggested[number] == suggested[first]]
