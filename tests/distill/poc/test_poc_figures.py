"""The bootstrap's figures, computed for all redrawn sets at once, against the plain ones on sets drawn one by one."""

from __future__ import annotations

import numpy as np
import pytest

from distill.poc.pixel_bins import binned_aupro, binned_pixel_auroc, count_pixels
from distill.poc.resampling import draw_weights, interval, weighted_auroc, weighted_escape_rate
from inspection.calibration.metrics import aupro, escape_rate_at_overkill, image_auroc, pixel_auroc


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(3)


def repeated(weights: np.ndarray) -> np.ndarray:
    """The places of a redrawn set, each as often as it was drawn."""
    return np.repeat(np.arange(len(weights)), weights.astype(int))


def test_figures_of_redrawn_sets_are_those_of_the_sets_written_out(chance: np.random.Generator) -> None:
    defective = np.arange(60) % 3 == 0
    # Rounded, so that scores tie.
    scores = np.round(chance.normal(size=60) + defective, 1)
    weights = draw_weights(np.arange(60), defective, rounds=20)
    aurocs = weighted_auroc(scores, defective, weights)
    escapes = weighted_escape_rate(scores, defective, weights, 0.05)
    for row, auroc, escape in zip(weights, aurocs, escapes, strict=True):
        drawn = repeated(row)
        assert auroc == pytest.approx(image_auroc(scores[drawn], defective[drawn]))
        assert escape == pytest.approx(escape_rate_at_overkill(scores[drawn], defective[drawn], 0.05))


def test_each_class_keeps_its_count_and_whole_lots_are_drawn(chance: np.random.Generator) -> None:
    defective = np.arange(40) < 10
    weights = draw_weights(np.arange(40), defective, rounds=50)
    assert (weights[:, defective].sum(1) == 10).all()
    assert (weights[:, ~defective].sum(1) == 30).all()
    lots = np.arange(40) % 8
    by_lot = draw_weights(lots, defective, rounds=50)
    for lot in range(8):
        assert (by_lot[:, lots == lot] == by_lot[:, [lot]]).all()
    assert by_lot.std() > 0.5


def test_the_interval_holds_the_truth_about_as_often_as_it_says(chance: np.random.Generator) -> None:
    # Two normal distributions a deviation apart: AUROC is Phi(1 / sqrt 2) = 0.7602.
    inside = 0
    for _ in range(60):
        defective = np.arange(120) < 50
        scores = chance.normal(size=120) + defective
        weights = draw_weights(np.arange(120), defective, rounds=150, seed=int(chance.integers(1 << 30)))
        found = interval(weighted_auroc(scores, defective, weights))
        assert found is not None
        inside += found[0] <= 0.7602 <= found[1]
    assert 52 <= inside <= 60


def test_sets_without_one_class_have_no_figure() -> None:
    scores, defective = np.array([1.0, 2.0, 3.0]), np.array([False, False, False])
    weights = np.ones((4, 3))
    assert np.isnan(weighted_auroc(scores, defective, weights)).all()
    assert np.isnan(weighted_escape_rate(scores, defective, weights, 0.05)).all()
    assert interval(np.full(4, np.nan)) is None
    assert interval(np.array([np.nan, 1.0, 1.0, 2.0])) == (1.0, pytest.approx(1.95))


def test_binned_pixel_figures_equal_the_exact_ones_to_a_bins_width(chance: np.random.Generator) -> None:
    masks = np.zeros((12, 32, 32), bool)
    masks[:5, 4:12, 6:11] = True
    masks[2:7, 20:26, 15:30] = True
    maps = chance.normal(size=masks.shape) + 1.2 * masks
    bins = count_pixels(maps, masks)
    assert bins.normal.sum() + bins.defect.sum() == masks.size
    assert bins.regions.tolist() == [1, 1, 2, 2, 2, 1, 1, *[0] * 5]
    weights = np.concatenate([np.ones((1, 12)), draw_weights(np.arange(12), masks.any((1, 2)), rounds=8)])
    aurocs, overlaps = binned_pixel_auroc(bins, weights), binned_aupro(bins, weights)
    for row, auroc, overlap in zip(weights, aurocs, overlaps, strict=True):
        drawn = repeated(row)
        assert auroc == pytest.approx(pixel_auroc(maps[drawn], masks[drawn]), abs=2e-3)
        assert overlap == pytest.approx(aupro(maps[drawn], masks[drawn]), abs=6e-3)
