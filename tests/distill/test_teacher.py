"""The teacher's principal components against numpy's singular values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.teacher import Teacher
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input
from tests.distill.small import washer_pixels
from tests.pretrain.tiny import tiny_recipe

WIDTH = 80


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(tiny_recipe().encoder)


def fitted(width: int) -> tuple[Teacher, float]:
    teacher = Teacher(encoder(), width)
    return teacher, teacher.fit(washer_pixels(12), torch.Generator().manual_seed(0))


@torch.no_grad()
def cells_of(teacher: Teacher) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and targets of the same cells, float64 [n, D] and [n, width]."""
    images = as_input(washer_pixels(12), torch.device("cpu"))
    embeddings, targets = teacher.encoder.patch_embeddings(images), teacher(images)
    return tuple(part.permute(0, 2, 3, 1).flatten(0, 2).double().numpy() for part in (embeddings, targets))  # type: ignore[return-value]


def distances(rows: np.ndarray) -> np.ndarray:
    chosen = rows[:: len(rows) // 40]
    apart: np.ndarray = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)
    return apart


def test_all_components_keep_all_distances() -> None:
    teacher, kept = fitted(WIDTH)
    embeddings, targets = cells_of(teacher)
    assert kept == pytest.approx(1, abs=1e-4)
    assert np.allclose(distances(targets) * float(teacher.deviation), distances(embeddings), atol=2e-3)


@pytest.mark.parametrize("width", [8, 16, 40])
def test_components_are_numpys_singular_vectors(width: int) -> None:
    teacher, kept = fitted(width)
    embeddings, targets = cells_of(teacher)
    centred = embeddings - embeddings.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    variances = sizes**2 / (len(centred) - 1)
    assert kept == pytest.approx(variances[:width].sum() / variances.sum(), abs=1e-3)
    expected = centred @ directions[:width].T / np.sqrt(variances[:width].mean())
    # Components may differ in sign; distances between targets do not.
    assert np.allclose(distances(targets), distances(expected), atol=0.02 * distances(expected).max())


def test_targets_have_unit_variance_in_the_mean() -> None:
    teacher, _ = fitted(16)
    _, targets = cells_of(teacher)
    assert np.allclose(targets.mean(0), 0, atol=0.02)
    assert targets.var(axis=0).mean() == pytest.approx(1, rel=0.02)
    # One deviation for all: the first component stays the widest.
    assert list(targets.var(axis=0)) == sorted(targets.var(axis=0), reverse=True)


def test_a_narrow_encoder_gives_as_many_components_as_it_has() -> None:
    teacher, kept = fitted(500)
    assert teacher.width == WIDTH
    assert kept == pytest.approx(1, abs=1e-4)


def test_the_teacher_neither_trains_nor_moves() -> None:
    teacher, _ = fitted(16)
    assert not any(weight.requires_grad for weight in teacher.parameters())
    assert not teacher.encoder.training


def test_images_without_content_give_finite_targets() -> None:
    teacher = Teacher(encoder(), 16)
    blank = torch.full((8, 64, 64, 3), 128, dtype=torch.uint8)
    assert 0 <= teacher.fit(blank, torch.Generator().manual_seed(0)) <= 1 + 1e-5
    with torch.no_grad():
        assert bool(torch.isfinite(teacher(as_input(blank, torch.device("cpu")))).all())
