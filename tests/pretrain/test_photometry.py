"""Light and colour of views: ranges, determinism, and each operation against another derivation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from pretrain.recipe import ViewsRecipe
from pretrain.views.photometry import blur, jitter, turn_hue
from tests.pretrain.tiny import some_images

STILL = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0, "grey_rate": 0.0, "blur_rate": 0.0}


def jittered(images: Tensor, seed: int = 0, **recipe: float) -> Tensor:
    chosen = ViewsRecipe.model_validate({"view_px": 64, "jitter_rate": 1.0, **STILL, **recipe})
    return jitter(images, chosen, torch.Generator().manual_seed(seed))


def grey_of(pixels: Tensor) -> Tensor:
    red, green, blue = pixels.unbind(1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_jitter_follows_from_its_generator_alone() -> None:
    recipe = ViewsRecipe(view_px=64)
    first, again, other = (jitter(some_images(), recipe, torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_jittered_pixels_stay_between_black_and_white() -> None:
    pixels = jittered(
        some_images(64), brightness=1.0, contrast=1.0, saturation=1.0, hue=0.5, grey_rate=0.5, blur_rate=0.5
    )
    assert pixels.shape == (64, 3, 64, 64)
    assert pixels.dtype == torch.float32
    assert 0 <= float(pixels.min()) < float(pixels.max()) <= 1


def test_a_strength_of_nothing_changes_nothing() -> None:
    images = some_images()
    assert torch.allclose(jittered(images), images, atol=1e-6)
    full = jitter(images, ViewsRecipe(view_px=64, jitter_rate=0, grey_rate=0, blur_rate=0), torch.Generator())
    assert torch.allclose(full, images, atol=1e-6)


def test_images_are_jittered_at_the_recipes_rate_and_each_on_its_own() -> None:
    images = some_images(1).expand(400, -1, -1, -1) * 0.5
    ratios = jittered(images, brightness=0.4, jitter_rate=0.3).mean(dim=(1, 2, 3)) / images.mean(dim=(1, 2, 3))
    moved = (ratios - 1).abs() > 1e-4
    assert 0.2 < float(moved.float().mean()) < 0.4
    assert len(set(ratios[moved].tolist())) == int(moved.sum())
    assert 0.6 <= float(ratios.min()) < 0.7
    assert 1.3 < float(ratios.max()) <= 1.4 + 1e-5


def test_contrast_keeps_the_mean_and_saturation_the_luminance() -> None:
    images = some_images() * 0.4 + 0.3
    changed = jittered(images, contrast=0.4)
    assert not torch.allclose(changed, images, atol=1e-2)
    assert torch.allclose(changed.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)), atol=1e-5)
    changed = jittered(images, saturation=0.4)
    assert not torch.allclose(changed, images, atol=1e-2)
    assert torch.allclose(grey_of(changed), grey_of(images), atol=1e-5)


def test_grey_views_are_grey() -> None:
    images = some_images()
    pixels = jittered(images, grey_rate=1.0)
    assert torch.allclose(pixels, grey_of(images)[:, None].expand(-1, 3, -1, -1), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0, 6.0])
def test_a_turn_of_hue_keeps_grey_images_grey_and_luminance(angle: float) -> None:
    images = some_images(2)
    grey = images[:, :1].expand(-1, 3, -1, -1)
    assert torch.allclose(turn_hue(grey, torch.full((2,), angle)), grey, atol=1e-5)
    turned = turn_hue(images, torch.full((2,), angle))
    assert torch.allclose(grey_of(turned), grey_of(images), atol=1e-4)
    assert torch.allclose(turn_hue(turned, torch.full((2,), -angle)), images, atol=1e-4)


def test_a_turn_of_hue_moves_colours_around_the_circle() -> None:
    red = torch.tensor([0.6, 0.2, 0.2]).view(1, 3, 1, 1)
    strongest = [int(turn_hue(red, torch.tensor([k * 2 * torch.pi / 3])).argmax()) for k in range(3)]
    assert sorted(strongest) == [0, 1, 2]


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_blur_is_scipys_gaussian(sigma: float) -> None:
    images = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    got = blur(images, torch.tensor([sigma, 0.7])).numpy()
    for image, width in zip(range(2), (sigma, 0.7), strict=True):
        for channel in range(3):
            # Nine taps: a radius of four pixels, mirrored about the outermost ones.
            expected = gaussian_filter(images[image, channel].numpy(), width, radius=4, mode="mirror")
            assert np.abs(got[image, channel] - expected).max() < 1e-5


def test_images_are_blurred_at_the_recipes_rate() -> None:
    noise = torch.rand(200, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    pixels = jittered(noise, blur_rate=0.5)
    blurred = (pixels - noise).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 0.35 < float(blurred.float().mean()) < 0.65
    assert float(pixels[blurred].std()) < float(noise.std())
