"""The guard: who stays out, why, and that the rest stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspection.images.decode import encode_png
from inspection.verdict import Verdict
from service.nightly.guard.candidate import Candidate, Look, Said, Why
from service.nightly.guard.looks import look_at
from service.nightly.guard.policy import GuardPolicy
from service.nightly.guard.same_frame import find_same_frames
from service.nightly.guard.selection import Selection, select
from tests.bundles import part_picture, part_png
from tests.service.nightly.candidates import candidate, line, look

PLAIN = GuardPolicy(tail_share=0.0)


def whys(selection: Selection) -> dict[int, Why]:
    return {one.inspection_id: why for one, why in selection.left_out}


def test_good_parts_that_passed_come_in() -> None:
    selection = select(line(60), PLAIN)
    assert len(selection.kept) == 60
    assert selection.counts == {}
    assert selection.outliers == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_kept_out": True}, Why.KEPT_OUT),
        ({"is_golden": True}, Why.GOLDEN),
        ({"is_challenge": True}, Why.CHALLENGE),
        ({"said": Said.CONFIRMED_DEFECT}, Why.CONFIRMED_DEFECT),
        ({"said": Said.CONFIRMED_DEFECT, "verdict": Verdict.FAIL}, Why.CONFIRMED_DEFECT),
        ({"said": Said.DISPUTED, "verdict": Verdict.HOLD}, Why.DISPUTED),
        ({"verdict": Verdict.HOLD}, Why.FLAGGED),
        ({"verdict": Verdict.FAIL, "said": Said.FALSE_ALARM}, Why.FLAGGED),
        ({"look": None}, Why.UNREADABLE),
        ({"part": "part-1"}, Why.SAME_PART),
        ({"image": candidate(1).image}, Why.SAME_PART),
    ],
)
def test_each_reason_keeps_a_picture_out(change: dict[str, object], why: Why) -> None:
    selection = select([*line(30), replace(candidate(99), **change)], PLAIN)
    assert whys(selection) == {99: why}
    assert len(selection.kept) == 30


def test_two_views_of_one_part_both_come_in() -> None:
    assert len(select([*line(30), candidate(99, part="part-1", image_number=2)], PLAIN).kept) == 31


def test_false_alarms_come_in_where_the_policy_says_so() -> None:
    cleared = candidate(99, verdict=Verdict.FAIL, said=Said.FALSE_ALARM, part_score=4.0)
    policy = GuardPolicy(false_alarms_come_in=True, tail_share=0.05)
    assert cleared in select([*line(30), cleared], policy).kept
    assert whys(select([candidate(98, verdict=Verdict.FAIL), *line(30)], policy))[98] is Why.FLAGGED


def test_a_stuck_camera_gives_one_picture() -> None:
    rng = np.random.default_rng(0)
    stuck = candidate(1).look
    assert stuck is not None
    frames = [
        candidate(100 + n, look=replace(stuck, fingerprint=stuck.fingerprint + rng.normal(0, 0.01, 64)))
        for n in range(20)
    ]
    selection = select([*line(60), *frames], PLAIN)
    assert selection.counts == {"same_frame": 20}


def test_parts_that_all_look_alike_are_not_one_frame() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 10, 64)
    alike = [(base + rng.normal(0, 0.02, 64)).astype(np.float32) for _ in range(100)]
    assert find_same_frames(alike, 0.2) == [None] * 100


def test_a_slow_change_is_not_one_frame() -> None:
    path = [np.full(64, step * 0.01, np.float32) for step in range(200)]
    repeats = find_same_frames(path, 0.2)
    stays = [place for place, repeated in enumerate(repeats) if repeated is None]
    assert 3 <= len(stays) < 200


def test_the_highest_scores_of_each_station_stay_out() -> None:
    both = [
        *line(100),
        *(
            replace(
                one,
                station="press-4",
                inspection_id=one.inspection_id + 200,
                part=f"other-{one.part}",
                image=one.image[::-1],
            )
            for one in line(50)
        ),
    ]
    selection = select(both, GuardPolicy(tail_share=0.04))
    trimmed = {inspection_id for inspection_id, why in whys(selection).items() if why is Why.HIGH_SCORE}
    assert trimmed == {97, 98, 99, 100, 249, 250}


def test_no_lot_and_no_station_gives_more_than_its_cap() -> None:
    selection = select(line(80), PLAIN.model_copy(update={"lot_cap": 15, "station_cap": 50}))
    assert selection.counts == {"lot_cap": 20, "station_cap": 10}
    assert len(selection.kept) == 50


def test_pictures_without_a_lot_share_no_cap() -> None:
    without = [replace(one, lot=None) for one in line(30)]
    assert len(select(without, PLAIN.model_copy(update={"lot_cap": 5})).kept) == 30


def test_the_selection_does_not_depend_on_the_order() -> None:
    policy = GuardPolicy(lot_cap=12)
    there, back = select(line(80), policy), select(list(reversed(line(80))), policy)
    assert there == back


def test_outliers_are_listed_and_stay_unless_told_otherwise() -> None:
    dark = candidate(99, look=look(99, mean=60.0))
    blurred = candidate(98, look=look(98, sharpness=2.0))
    selection = select([*line(60), dark, blurred], PLAIN)
    assert {(one.image, one.measure) for one in selection.outliers} == {
        (dark.image, "mean"),
        (blurred.image, "sharpness"),
    }
    assert dark in selection.kept
    strict = select([*line(60), dark, blurred], PLAIN.model_copy(update={"outliers_stay_out": True}))
    assert strict.counts == {"quality": 2}


def test_every_candidate_is_told_of_once() -> None:
    candidates: list[Candidate] = [*line(40), candidate(50, verdict=Verdict.FAIL), candidate(51, part="part-2")]
    selection = select(candidates, GuardPolicy(lot_cap=8))
    told = [one.inspection_id for one in selection.kept] + list(whys(selection))
    assert sorted(told) == sorted(one.inspection_id for one in candidates)


def test_a_look_measures_differences_in_grey_values() -> None:
    picture = part_picture(1)
    one, brighter = (_look(encode_png(image)) for image in (picture, (picture + 10).astype(np.uint8)))
    assert np.linalg.norm(one.fingerprint - brighter.fingerprint) == pytest.approx(10, abs=0.1)
    assert brighter.mean - one.mean == pytest.approx(10, abs=0.1)
    assert brighter.sharpness == pytest.approx(one.sharpness, rel=0.01)


def test_looks_tell_a_repeated_frame_from_another_part() -> None:
    noise = np.random.default_rng(5).normal(0, 1, (96, 96, 1))
    again = np.clip(np.rint(part_picture(1) + noise), 0, 255).astype(np.uint8)
    looks = [_look(part_png(seed)).fingerprint for seed in range(12)] + [_look(encode_png(again)).fingerprint]
    assert find_same_frames(looks, 0.5) == [None] * 12 + [1]


def test_what_cannot_be_read_has_no_look() -> None:
    assert look_at(b"no picture", name="x", significant_bits=8) is None


def _look(data: bytes) -> Look:
    found = look_at(data, name="part", significant_bits=8)
    assert found is not None
    return found
