"""The exam of a search: flaws of another make than those of training, and differences counted pair by pair."""

from __future__ import annotations

import ast
import inspect
from typing import cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inspection.errors import DatasetError
from inspection.images.illumination import Illumination
from pretrain.encoder.encoder import Encoder
from pretrain.explore import exam_flaws
from pretrain.explore.exam import Marks, compose_exam, difference, examine
from pretrain.explore.exam_flaws import KINDS, draw_exam_flaw
from tests.pretrain.washers import washer


class Eye(nn.Module):
    """Sees the mean colour of every 8 x 8 pixels; blind, it sees the same everywhere."""

    def __init__(self, *, blind: bool = False) -> None:
        super().__init__()
        self.tap_widths = (3,)
        self.weight = nn.Parameter(torch.tensor(0.0 if blind else 1.0))

    def smoothed_taps(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (F.avg_pool2d(images, 8) * self.weight,)


def washers_of(seeds: range) -> torch.Tensor:
    return torch.from_numpy(np.stack([washer(seed) for seed in seeds]))


def marks(clean: list[float], flawed: list[float], placed: list[float], owners: list[int]) -> Marks:
    return Marks(tuple(clean), tuple(flawed), tuple(placed), tuple(owners))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_flaw_can_be_seen_and_leaves_the_rest_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam_flaws, "KINDS", (kind,))
    image, rng = washer(0, side_px=128), np.random.default_rng(0)
    for _ in range(5):
        flaw = draw_exam_flaw(image, rng)
        assert flaw is not None
        assert flaw.kind == kind
        difference_px = np.abs(flaw.pixels.astype(int) - image).mean(axis=2)
        assert difference_px[flaw.changed].min() > 8
        assert difference_px[~flaw.changed].max() <= 8
        assert 12 <= flaw.changed.sum() < 0.5 * flaw.changed.size


def test_flaws_follow_from_their_seed() -> None:
    one, same, other = (draw_exam_flaw(washer(0), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one is not None
    assert same is not None
    assert other is not None
    assert np.array_equal(one.pixels, same.pixels)
    assert not np.array_equal(one.pixels, other.pixels)


def test_the_examiner_takes_nothing_from_the_flaws_of_training() -> None:
    tree = ast.parse(inspect.getsource(exam_flaws))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"collections.abc", "dataclasses", "cv2", "numpy"}


def test_images_on_which_nothing_shows_make_no_exam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam_flaws, "_LEAST_CHANGED_PX", 10**6)
    with pytest.raises(DatasetError, match="show no synthetic flaw"):
        compose_exam(washers_of(range(2)), washers_of(range(2, 4)), Illumination.NONE, 1, 0)


def test_who_sees_gets_better_marks_than_who_is_blind() -> None:
    exam = compose_exam(washers_of(range(16)), washers_of(range(16, 26)), Illumination.GAIN, 4, 0)
    assert len(exam.flawed) == len(exam.owners) == len(exam.changed) == 40
    seeing, blind = (examine(cast(Encoder, Eye(blind=blind)), exam, 0) for blind in (False, True))
    assert blind.found == pytest.approx(0.5)
    # Smoothing rounds the map's border otherwise than its middle, and there is nothing else to rank by.
    assert blind.located == pytest.approx(0.5, abs=0.1)
    assert seeing.located > 0.7
    gain = difference(seeing, blind)
    assert gain.value == pytest.approx(seeing.grade - blind.grade)
    assert gain.interval[0] > 0


def test_the_grade_is_half_finding_and_half_locating() -> None:
    got = marks([1.0, 2.0], [3.0, 1.5], [0.9, 0.5], [0, 1])
    assert got.found == pytest.approx(3 / 4)
    assert got.located == pytest.approx(0.7)
    assert got.grade == pytest.approx((0.75 + 0.7) / 2)
    assert marks([1.0], [1.0], [0.5], [0]).found == 0.5


def test_weights_of_images_carry_their_flawed_copies_along() -> None:
    got = marks([1.0, 5.0, 2.0], [3.0, 4.0, 1.0, 9.0], [0.9, 0.4, 0.6, 0.8], [0, 1, 1, 2])
    assert got.grades(np.ones((1, 3)))[0] == pytest.approx(got.grade)
    without_second = marks([1.0, 2.0], [3.0, 9.0], [0.9, 0.8], [0, 1])
    assert got.grades(np.array([[1.0, 0.0, 1.0]]))[0] == pytest.approx(without_second.grade)
    doubled = marks([1.0, 1.0, 5.0, 2.0], [3.0, 3.0, 4.0, 1.0, 9.0], [0.9, 0.9, 0.4, 0.6, 0.8], [0, 1, 2, 2, 3])
    assert got.grades(np.array([[2.0, 1.0, 1.0]]))[0] == pytest.approx(doubled.grade)


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(0)
    clean, flawed = rng.normal(0, 1, 24), rng.normal(1, 1, 24)
    placed = rng.uniform(0.3, 1.0, 24)
    one = marks(list(clean), list(flawed), list(placed), list(range(24)))
    slightly_better = marks(list(clean), list(flawed), list(placed + 0.01), list(range(24)))
    assert difference(one, one).interval == (0.0, 0.0)
    gain = difference(slightly_better, one)
    # Far narrower than what images differ in among themselves.
    assert gain.interval == pytest.approx((0.005, 0.005), abs=1e-9)
    assert str(gain) == "+0.005 (+0.005 to +0.005)"
