"""Each metric against a second derivation that is slow and plain."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.calibration.metrics import aupro, auroc_by_defect, escape_rate_at_overkill, image_auroc, pixel_auroc

# Few levels, so that ties are the rule.
LABELED_SCORES = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30)


def arrays(labeled: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in labeled], float), np.array([truth for _, truth in labeled])


def auroc_by_pairs(scores: np.ndarray, is_defective: np.ndarray) -> float:
    """How often a defective part scores above a good one; ties count half."""
    wins = [1.0 if d > g else 0.5 if d == g else 0.0 for d in scores[is_defective] for g in scores[~is_defective]]
    return sum(wins) / len(wins)


@settings(max_examples=150, deadline=None)
@given(LABELED_SCORES)
def test_auroc_counts_pairs(labeled: list[tuple[int, bool]]) -> None:
    scores, truth = arrays(labeled)
    found = image_auroc(scores, truth)
    if truth.all() or not truth.any():
        assert found is None
    else:
        assert found == pytest.approx(auroc_by_pairs(scores, truth))


def test_pixel_auroc_counts_pairs_of_pixels() -> None:
    rng = np.random.default_rng(0)
    maps, masks = rng.integers(0, 5, (3, 6, 7)).astype(float), rng.integers(0, 2, (3, 6, 7)) * 255
    expected = auroc_by_pairs(maps.ravel(), masks.ravel() > 0)
    assert pixel_auroc(maps, masks) == pytest.approx(expected)
    assert pixel_auroc(maps, np.zeros_like(masks)) is None


@settings(max_examples=150, deadline=None)
@given(LABELED_SCORES, st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5, 1.0]))
def test_escape_rate_tries_every_limit(labeled: list[tuple[int, bool]], overkill_rate: float) -> None:
    scores, truth = arrays(labeled)
    found = escape_rate_at_overkill(scores, truth, overkill_rate)
    if truth.all() or not truth.any():
        assert found is None
        return
    allowed = [
        float((scores[truth] <= limit).mean())
        for limit in [*scores.tolist(), -1.0]
        if (scores[~truth] > limit).mean() <= overkill_rate
    ]
    assert found == pytest.approx(min(allowed))


def regions_by_flood(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Connected regions, over corners too, by walking from pixel to pixel."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    regions = []
    while left:
        region, edge = set(), [left.pop()]
        while edge:
            y, x = edge.pop()
            region.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
        regions.append(region)
    return regions


def aupro_by_loops(maps: np.ndarray, masks: np.ndarray) -> float | None:
    """The benchmark's definition word for word: every score is a threshold, flagged is at or above it."""
    regions = [(index, region) for index, mask in enumerate(masks) for region in regions_by_flood(mask)]
    good = [float(score) for score in maps[masks == 0]]
    if not regions or not good:
        return None
    curve = [(0.0, 0.0)]
    for threshold in sorted({float(score) for score in maps.ravel()}, reverse=True):
        rate = sum(score >= threshold for score in good) / len(good)
        shares = [sum(maps[index][yx] >= threshold for yx in region) / len(region) for index, region in regions]
        curve.append((rate, sum(shares) / len(shares)))
    area = 0.0
    for (rate, overlap), (next_rate, next_overlap) in pairwise(curve):
        if rate >= 0.3:
            break
        end = min(next_rate, 0.3)
        reached = overlap
        if next_rate > rate:
            reached += (next_overlap - overlap) * (end - rate) / (next_rate - rate)
        area += (end - rate) * (overlap + reached) / 2
    return area / 0.3


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 8, 10**6]), st.sampled_from([0.1, 0.3, 0.9]))
def test_aupro_is_the_benchmark_definition(seed: int, level_count: int, defect_share: float) -> None:
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, level_count, (3, 6, 5)).astype(np.float32)
    masks = (rng.random((3, 6, 5)) < defect_share).astype(np.uint8) * 255
    masks[0] = 0
    found, expected = aupro(maps, masks), aupro_by_loops(maps, masks)
    assert (found is None) == (expected is None)
    assert found == pytest.approx(expected, abs=1e-9)


def test_two_hundred_thresholds_are_enough() -> None:
    rng = np.random.default_rng(1)
    maps = rng.random((2, 40, 40)).astype(np.float32)
    masks = np.zeros((2, 40, 40), bool)
    masks[0, 5:15, 5:9] = masks[1, 20:30, 20:22] = masks[1, 1, 1] = True
    maps[masks] += rng.normal(0.3, 0.2, int(masks.sum()))
    assert aupro(maps, masks) == pytest.approx(aupro_by_loops(maps, masks), abs=0.003)


def test_aupro_of_the_extremes() -> None:
    masks = np.zeros((1, 10, 10), np.uint8)
    masks[0, 2:4, 2:4] = masks[0, 7, 7] = 1
    assert aupro(masks.astype(float), masks) == pytest.approx(1.0)
    assert aupro(1.0 - masks, masks) == pytest.approx(0.0)
    assert aupro(np.zeros((1, 10, 10)), masks) == pytest.approx(0.15)


def test_small_regions_weigh_as_much_as_large_ones() -> None:
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, :10, :10] = masks[0, 15, 15] = 1
    found_only_the_large = masks.astype(float)
    found_only_the_large[0, 15, 15] = 0.0
    # The small one is found only with all normal pixels: the curve climbs from a half to 0.65 at a rate of 0.3.
    assert aupro(found_only_the_large, masks) == pytest.approx((0.5 + 0.65) / 2)


def test_aupro_needs_defects_and_good_pixels() -> None:
    maps = np.random.default_rng(0).random((1, 5, 5))
    assert aupro(maps, np.zeros((1, 5, 5))) is None
    assert aupro(maps, np.ones((1, 5, 5))) is None


def test_auroc_by_defect_compares_each_with_all_good_parts() -> None:
    scores = np.array([1.0, 2, 3, 9, 8, 0, 2])
    defects = ["good", "good", "good", "hole", "hole", "crack", "crack"]
    figures = auroc_by_defect(scores, defects, "good")
    assert figures == {"crack": pytest.approx(1.5 / 6), "hole": 1.0}
    assert auroc_by_defect(scores[3:], defects[3:], "good") == {}
