"""From bytes to an inspection: what can be judged is, and all else is held."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.bundle.reader import open_bundle
from inspection.calibration.policy import judge, score_part
from inspection.images.decode import encode_png
from inspection.images.illumination import Illumination
from inspection.images.preprocess import Preprocessing
from inspection.inspector import Inspector, PreparedImage, explain
from inspection.scoring.session import Scores
from inspection.verdict import Inspection, Reason, Verdict
from tests.bundles import INPUT_PX, THRESHOLDS, make_bundle, part_picture, part_png
from tests.inspection.image_files import samples


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    directory = tmp_path_factory.mktemp("inspector") / "bundle"
    make_bundle(directory)
    return open_bundle(directory, threads=1)


def test_a_good_part_passes_with_all_its_figures(inspector: Inspector) -> None:
    answer = inspector.inspect(part_png(5))
    assert (answer.verdict, answer.reason) == (Verdict.PASS, Reason.NORMAL)
    assert answer.local_score is not None
    assert answer.global_score is not None
    assert answer.judgement == judge(answer.local_score, answer.global_score, THRESHOLDS)
    assert answer.part_score == score_part(answer.local_score, answer.global_score, THRESHOLDS)
    assert answer.bundle_id == inspector.manifest.bundle_id
    assert (answer.width_px, answer.height_px) == (96, 96)
    assert answer.regions == ()
    assert set(answer.timings_ms) == {"decode", "preprocess"}


@pytest.mark.parametrize(("height_px", "width_px"), [(96, 96), (300, 200), (64, 900)])
def test_a_defect_is_flagged_where_it_is(inspector: Inspector, height_px: int, width_px: int) -> None:
    picture = part_picture(5, height_px=height_px, width_px=width_px)
    top, left = height_px // 4, width_px * 5 // 8
    picture[top : top + height_px // 5, left : left + width_px // 5] = 10
    answer = inspector.inspect(encode_png(picture))
    assert (answer.verdict, answer.reason) == (Verdict.FAIL, Reason.LOCAL_FAIL)
    region = answer.regions[0]
    assert region.peak_score == pytest.approx(answer.local_score)
    cell_height, cell_width = height_px / 16, width_px / 16
    assert region.y_px == pytest.approx(top, abs=cell_height + 1)
    assert region.x_px == pytest.approx(left, abs=cell_width + 1)
    assert region.height_px == pytest.approx(height_px / 5, abs=2 * cell_height + 1)
    assert region.width_px == pytest.approx(width_px / 5, abs=2 * cell_width + 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.UNDECODABLE),
        (b"a note named part.png", Reason.UNDECODABLE),
        (part_png(1)[:-20], Reason.UNDECODABLE),
        (encode_png(np.full((1, 1, 1), 128, np.uint8)), Reason.WRONG_SIZE),
        (encode_png(np.zeros((50, 50, 1), np.uint8)), Reason.TOO_DARK),
        (encode_png(np.full((50, 50, 3), 255, np.uint8)), Reason.TOO_BRIGHT),
        (encode_png(np.full((50, 50, 1), 128, np.uint8)), Reason.FLAT),
    ],
)
def test_what_cannot_be_judged_is_held(inspector: Inspector, data: bytes, reason: Reason) -> None:
    answer = inspector.inspect(data, name="part 7.png")
    assert (answer.verdict, answer.reason) == (Verdict.HOLD, reason)
    assert answer.detail
    assert answer.bundle_id == inspector.bundle_id
    assert answer.local_score is None
    assert answer.part_score is None
    assert answer.regions == ()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(samples())), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5))
def test_no_bytes_raise_and_none_pass_unscored(inspector: Inspector, kind: str, edits: list[tuple[float, int]]) -> None:
    data = bytearray(samples()[kind].data)
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value
    answer = inspector.inspect(bytes(data))
    assert answer.verdict is Verdict.HOLD or answer.local_score is not None


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", ["local_score", "global_score"])
def test_scores_that_are_no_numbers_are_held(inspector: Inspector, wrong: float, which: str) -> None:
    prepared = inspector.prepare(part_png(1))
    assert isinstance(prepared, PreparedImage)
    values = {"local_score": np.zeros(1, np.float32), "global_score": np.zeros(1, np.float32)}
    values[which][0] = wrong
    answer = inspector.conclude([prepared], Scores(np.full((1, 4, 4), wrong, np.float32), **values))[0]
    assert (answer.verdict, answer.reason) == (Verdict.HOLD, Reason.INTERNAL)
    assert answer.local_score is None


def test_a_batch_answers_as_its_images_alone(inspector: Inspector) -> None:
    pngs = [part_png(seed, spot=spot) for seed, spot in [(1, 0.0), (2, 0.9), (3, 0.36)]]
    prepared = [image for png in pngs if isinstance(image := inspector.prepare(png), PreparedImage)]
    answers = inspector.conclude(prepared, inspector.score(prepared), inference_ms=4.0)
    assert answers == [inspector.inspect(png) for png in pngs]
    assert [answer.verdict for answer in answers] == [Verdict.PASS, Verdict.FAIL, Verdict.HOLD]
    assert {answer.timings_ms["inference"] for answer in answers} == {4.0}


def test_the_preprocessing_of_the_bundle_is_used(tmp_path: Path) -> None:
    """A part at half the light: its own bundle's gain treatment brings it back."""
    dim = encode_png(part_picture(5) // 2)
    verdicts = {}
    for illumination in (Illumination.NONE, Illumination.GAIN):
        preprocessing = Preprocessing(input_px=INPUT_PX, illumination=illumination)
        make_bundle(tmp_path / illumination, preprocessing=preprocessing)
        verdicts[illumination] = open_bundle(tmp_path / illumination, threads=1).inspect(dim).verdict
    assert verdicts == {Illumination.NONE: Verdict.FAIL, Illumination.GAIN: Verdict.PASS}


def test_significant_bits_of_the_bundle_are_used(tmp_path: Path) -> None:
    preprocessing = Preprocessing(input_px=INPUT_PX, significant_bits=12)
    make_bundle(tmp_path / "bundle", preprocessing=preprocessing)
    twelve_bits = (part_picture(5).astype(np.uint32) * 4095 // 255).astype(np.uint16)
    answer = open_bundle(tmp_path / "bundle", threads=1).inspect(encode_png(twelve_bits))
    assert answer.verdict is Verdict.PASS


def test_a_held_inspection_is_never_a_pass() -> None:
    for reason in Reason:
        assert Inspection.held(reason, "why").verdict is Verdict.HOLD


def test_the_explanation_names_both_scores() -> None:
    told = explain(0.5, 0.0001234, THRESHOLDS)
    assert told == "local score 0.5 is above its pass limit 0.12; global score 0.0001234 is within its pass limit 0.06"
