"""Synthetic flaws: where they are, how often they show, and that they can be drawn again."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.flaws import Flawed, add_flaws
from tests.pretrain.tiny import some_images
from tests.pretrain.washers import washer

_VISIBLE = 0.03


def washers(count: int, side_px: int = 128) -> Tensor:
    pictures = [torch.from_numpy(washer(seed, side_px=side_px)) for seed in range(min(count, 16))]
    stacked = torch.stack(pictures).permute(0, 3, 1, 2).float() / 255
    return stacked.repeat(count // len(stacked) + 1, 1, 1, 1)[:count]


def flawed(images: Tensor, seed: int = 0) -> Flawed:
    return add_flaws(images, torch.Generator().manual_seed(seed))


def test_flaws_follow_from_their_generator_alone() -> None:
    images = washers(8)
    first, again, other = flawed(images, 5), flawed(images, 5), flawed(images, 6)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.changed, again.changed)
    assert not torch.equal(first.pixels, other.pixels)


def test_changed_pixels_are_those_that_differ_visibly() -> None:
    images = washers(32)
    drawn = flawed(images)
    for image, pixels, changed in zip(images, drawn.pixels, drawn.changed, strict=True):
        difference = sum((pixels[c] - image[c]).abs() for c in range(3)) / 3
        assert isinstance(difference, Tensor)
        assert torch.equal(changed, difference > _VISIBLE)
    assert drawn.changed.dtype == torch.bool
    assert 0 <= float(drawn.pixels.min()) < float(drawn.pixels.max()) <= 1


def test_originals_are_left_alone() -> None:
    images = washers(8)
    before = images.clone()
    flawed(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("side_px", [64, 128])
def test_most_images_get_a_flaw_that_shows(side_px: int) -> None:
    # Measured: 0.92 at both sizes. Some flaws are a copy of what was there, blurred or pasted.
    changed = flawed(washers(400, side_px)).changed.flatten(1)
    assert float(changed.any(1).float().mean()) > 0.8


def test_flaws_are_small_and_lie_anywhere() -> None:
    changed = flawed(washers(400)).changed
    shares = changed.flatten(1).float().mean(1)
    assert float(shares.median()) < 0.05
    assert float(shares.max()) < 0.5
    # Every quarter of the image, and its middle, is reached.
    often = changed.float().mean(0)
    for rows in (slice(0, 64), slice(64, 128)):
        for columns in (slice(0, 64), slice(64, 128)):
            assert float(often[rows, columns].mean()) > 0.25 * float(often.mean())


def test_flaws_darken_and_lighten() -> None:
    images = torch.full((200, 3, 64, 64), 0.5)
    drawn = flawed(images)
    means = (drawn.pixels - images).flatten(1).mean(1)
    assert int((means > 1e-4).sum()) > 30
    assert int((means < -1e-4).sum()) > 30


def test_a_single_image_can_be_flawed_too() -> None:
    assert any(bool(flawed(some_images(1), seed).changed.any()) for seed in range(5))
