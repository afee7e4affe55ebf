"""Choosing the illumination treatment without a label."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inspection.images.illumination import Illumination, treat
from pretrain.data.image_set import ImageSet
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input, map_in_batches
from pretrain.evaluate.illumination import choose_illumination, wins_of_flawed
from pretrain.evaluate.nearest_normal import local_excess
from pretrain.evaluate.sure_choice import surely_best
from pretrain.evaluate.treatment import to_bytes, treat_all
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import washer


def picture_set(count: int = 16) -> ImageSet:
    pixels = torch.from_numpy(np.stack([washer(seed) for seed in range(count)]))
    return ImageSet(pixels, ("",) * count, tuple(map(str, range(count))), ())


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(tiny_recipe().encoder)


def wins_at(auroc: float, seed: int = 0, count: int = 60) -> np.ndarray:
    """Flawed images that outscore clean ones that often, each by its own difficulty."""
    rng = np.random.default_rng(seed)
    clean, flawed = rng.normal(size=count), rng.normal(size=count)
    shifts = np.linspace(-3, 5, 400)
    shift = min(shifts, key=lambda one: abs((flawed[None] + one > clean[:, None]).mean() - auroc))
    return np.asarray(flawed[None] + shift > clean[:, None], float)


@pytest.mark.parametrize(
    ("aurocs", "expected"),
    [
        ((0.6, 0.9, 0.7), Illumination.GAIN),
        ((0.8, 0.8, 0.8), Illumination.GAIN),
        # A little better is chance.
        ((0.805, 0.8, 0.8), Illumination.GAIN),
        ((0.95, 0.8, 0.7), Illumination.NONE),
        ((0.9, 0.7, 0.95), Illumination.FLAT_FIELD),
    ],
)
def test_even_gain_is_the_rule_unless_another_is_surely_better(
    aurocs: tuple[float, ...], expected: Illumination
) -> None:
    wins = {name: wins_at(auroc, seed) for seed, (name, auroc) in enumerate(zip(Illumination, aurocs, strict=True))}
    assert surely_best(wins, Illumination.GAIN, 0) is expected


def test_the_choice_follows_from_its_seed(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for _ in range(2):
        choose_illumination(encoder, picture_set(), 3)
        told.append(next(line for line in capsys.readouterr().err.splitlines() if line.startswith("illumination: ")))
    assert told[0] == told[1]
    assert all(name.value in told[0] for name in Illumination)


class Eye(nn.Module):
    """Sees the mean colour of every 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.tap_widths = (3,)
        self.weight = nn.Parameter(torch.ones(()))

    def smoothed_taps(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (F.avg_pool2d(images, 8) * self.weight,)


def test_images_that_differ_separate_and_the_same_do_not() -> None:
    pixels = picture_set(24).pixels
    flawed = pixels[16:].clone()
    flawed[:, 4:28, 4:28] = 255
    generator = torch.Generator().manual_seed(0)
    eye = cast(Encoder, Eye())
    assert wins_of_flawed(eye, pixels[:16], pixels[16:], flawed, generator=generator).mean() > 0.95
    same = wins_of_flawed(eye, pixels[:16], pixels[16:], pixels[16:], generator=generator)
    assert same.mean() == pytest.approx(0.5)
    assert bool((np.diag(same) == 0.5).all())


def test_what_counts_is_the_peak_over_the_images_own_level() -> None:
    flat = torch.full((1, 12, 12), 3.0)
    peaked = flat.clone()
    peaked[0, 2:5, 2:5] += 9.0
    assert local_excess(flat).item() == pytest.approx(0, abs=1e-6)
    assert local_excess(peaked).item() == pytest.approx(9.0)
    assert local_excess(peaked + 100).item() == pytest.approx(9.0, abs=1e-4)


def test_images_are_treated_one_by_one_as_at_the_station() -> None:
    pixels = picture_set(3).pixels
    for name in Illumination:
        treated = treat_all(pixels, name)
        assert treated.dtype == torch.uint8
        for image, expected in zip(treated, pixels, strict=True):
            assert np.array_equal(image.numpy(), treat(expected.numpy(), name))


def test_bytes_and_input_are_each_others_inverse() -> None:
    pixels = picture_set(2).pixels
    images = as_input(pixels, torch.device("cpu"))
    assert images.shape == (2, 3, 64, 64)
    assert float(images.max()) <= 1
    assert torch.equal(to_bytes(images), pixels)


def test_embeddings_of_many_images_are_those_of_each(encoder: Encoder) -> None:
    pixels = picture_set(37).pixels
    encoder.eval()
    gathered = map_in_batches(encoder.patch_embeddings, pixels, torch.device("cpu"))
    assert gathered.shape == (37, 80, 8, 8)
    assert gathered.dtype == torch.float16
    with torch.no_grad():
        for place in (0, 31, 32, 36):
            alone = encoder.patch_embeddings(as_input(pixels[place : place + 1], torch.device("cpu")))[0]
            assert torch.allclose(gathered[place].float(), alone, atol=2e-3)
