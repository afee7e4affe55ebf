"""Cells of each tap: softened lengths, and principal components against numpy's singular values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.tap_embedder import TapEmbedder, join_taps
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import washer

PIXELS = torch.stack([torch.from_numpy(washer(seed)) for seed in range(12)])
TAP_WIDTHS = (32, 48, 48)


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(tiny_recipe().encoder)


def fitted(width: int) -> tuple[TapEmbedder, float]:
    embedder = TapEmbedder(encoder(), width)
    return embedder, embedder.fit(PIXELS, torch.Generator().manual_seed(0))


def rows_of(maps: torch.Tensor) -> np.ndarray:
    rows: np.ndarray = maps.permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
    return rows


@torch.no_grad()
def cells_of(embedder: TapEmbedder) -> list[np.ndarray]:
    """Float64 [n, D] of each tap."""
    return [rows_of(maps) for maps in embedder(as_input(PIXELS, torch.device("cpu")))]


@torch.no_grad()
def softened(embedder: TapEmbedder) -> list[np.ndarray]:
    """As the definition has it: v / sqrt(|v|^2 + (0.7 mean |v|)^2)."""
    found = []
    images = as_input(PIXELS, torch.device("cpu"))
    half = images.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    smoothed = embedder.encoder.smoothed_taps
    for maps in (*smoothed(images), smoothed(half)[-1]):
        rows = rows_of(maps)
        squares = np.square(rows).sum(axis=1, keepdims=True)
        found.append(rows / np.sqrt(squares + (0.7 * np.sqrt(squares).mean()) ** 2))
    return found


def distances(rows: np.ndarray) -> np.ndarray:
    chosen = rows[:: len(rows) // 40]
    apart: np.ndarray = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)
    return apart


def test_each_tap_keeps_its_own_resolution_and_the_coarsest_looks_twice() -> None:
    embedder, kept = fitted(500)
    taps = embedder(as_input(PIXELS[:2], torch.device("cpu")))
    assert [tuple(maps.shape) for maps in taps] == [(2, 32, 8, 8), (2, 48, 4, 4), (2, 48, 2, 2)]
    assert embedder.widths == TAP_WIDTHS
    assert embedder.strides == (8, 16)
    assert kept == pytest.approx(1, abs=1e-4)


def test_distances_are_those_of_softened_cells() -> None:
    embedder, _ = fitted(500)
    for own, expected, deviation in zip(cells_of(embedder), softened(embedder), embedder.deviations, strict=True):
        assert np.allclose(distances(own) * float(deviation), distances(expected), atol=2e-3)
        # Longer than typical: near unit length. Shorter: shorter still.
        assert np.linalg.norm(expected, axis=1).max() < 1


@pytest.mark.parametrize("width", [8, 16, 40])
def test_components_are_numpys_singular_vectors(width: int) -> None:
    embedder, kept = fitted(width)
    shares = []
    for own, whole, full in zip(cells_of(embedder), softened(embedder), TAP_WIDTHS, strict=True):
        few = min(width, full)
        centred = whole - whole.mean(0)
        _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
        variances = sizes**2 / (len(centred) - 1)
        shares.append(variances[:few].sum() / variances.sum())
        expected = centred @ directions[:few].T / np.sqrt(variances[:few].mean())
        # Components may differ in sign; distances between cells do not.
        assert np.allclose(distances(own), distances(expected), atol=0.02 * distances(expected).max())
    assert kept == pytest.approx(min(shares), abs=2e-3)


@pytest.mark.parametrize("width", [16, 500])
def test_cells_have_unit_variance_in_the_mean(width: int) -> None:
    for cells in cells_of(fitted(width)[0]):
        assert np.allclose(cells.mean(0), 0, atol=0.02)
        assert cells.var(axis=0, ddof=1).mean() == pytest.approx(1, rel=0.02)


def test_it_leaves_its_encoder_free_to_learn() -> None:
    made = encoder()
    TapEmbedder(made).fit(PIXELS, torch.Generator().manual_seed(0))
    assert all(weight.requires_grad for weight in made.parameters())


def test_images_without_content_give_finite_cells() -> None:
    embedder = TapEmbedder(encoder(), 16)
    blank = torch.full((8, 64, 64, 3), 128, dtype=torch.uint8)
    assert 0 <= embedder.fit(blank, torch.Generator().manual_seed(0)) <= 1 + 1e-5
    with torch.no_grad():
        assert all(bool(torch.isfinite(maps).all()) for maps in embedder(as_input(blank, torch.device("cpu"))))


def test_joined_taps_are_the_cells_of_all() -> None:
    fine, coarse = torch.rand(1, 3, 8, 8), torch.rand(1, 5, 4, 4)
    joined = join_taps((fine, coarse), at=1)
    assert joined.shape == (1, 8, 4, 4)
    assert torch.equal(joined[:, 3:], coarse)
    assert torch.allclose(joined[:, :3], torch.nn.functional.avg_pool2d(fine, 2))
