"""Where views look: sizes, flips, and that the same generator draws the same views."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.recipe import ViewsRecipe
from pretrain.views.sampler import Views, draw_views, halved, render
from tests.pretrain.tiny import some_images


def views(count: int = 300, seed: int = 0, **recipe: float | bool) -> Views:
    images = some_images(1).expand(count, -1, -1, -1)
    chosen = ViewsRecipe.model_validate(
        {"view_px": 32, "jitter_rate": 0.0, "grey_rate": 0.0, "blur_rate": 0.0, **recipe}
    )
    return draw_views(images, chosen, torch.Generator().manual_seed(seed))


def sizes(drawn: Views) -> tuple[Tensor, Tensor]:
    return drawn.placement[:, 0, 0].abs(), drawn.placement[:, 1, 1]


def test_views_follow_from_their_generator_alone() -> None:
    first, again, other = views(8, 1), views(8, 1), views(8, 2)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.placement, again.placement)
    assert not torch.equal(first.placement, other.placement)


@pytest.mark.parametrize("min_area", [0.05, 0.2, 0.7])
def test_a_view_shows_at_least_the_smallest_area_and_lies_within_the_image(min_area: float) -> None:
    drawn = views(min_area=min_area)
    width, height = sizes(drawn)
    area = width * height
    assert float(area.min()) >= min_area - 1e-5
    # From the smallest area to the whole image.
    assert float(area.min()) < min_area + 0.1
    assert float(area.max()) > 0.95
    assert bool(((drawn.placement[:, :, 2].abs() + torch.stack([width, height], 1)) <= 1 + 1e-5).all())


def test_aspects_stay_within_three_to_four() -> None:
    width, height = sizes(views(min_area=0.2))
    aspect = width / height
    assert 0.75 - 1e-5 <= float(aspect.min()) < 0.8
    assert 1.25 < float(aspect.max()) <= 4 / 3 + 1e-5


def test_half_of_the_views_are_flipped_from_side_to_side_never_upside_down() -> None:
    drawn = views()
    assert 0.4 < float((drawn.placement[:, 0, 0] < 0).float().mean()) < 0.6
    assert bool((drawn.placement[:, 1, 1] > 0).all())
    assert bool((views(flip=False).placement[:, 0, 0] > 0).all())


def test_the_whole_image_without_a_flip_is_the_image_itself() -> None:
    images = some_images()
    recipe = ViewsRecipe(view_px=64, min_area=1, flip=False, jitter_rate=0, grey_rate=0, blur_rate=0)
    drawn = draw_views(images, recipe, torch.Generator())
    assert torch.allclose(drawn.placement, torch.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(8, -1, -1), atol=1e-6)
    assert torch.allclose(drawn.pixels, images, atol=1e-5)


def test_a_flip_of_the_whole_image_is_its_mirror_image() -> None:
    images = some_images()
    mirrored = torch.tensor([[-1.0, 0, 0], [0, 1, 0]]).expand(8, -1, -1)
    assert torch.allclose(render(images, mirrored, 64), images.flip(3), atol=1e-5)


def test_shrinking_averages_so_that_stripes_turn_grey() -> None:
    stripes = (torch.arange(128) % 2).float().expand(1, 3, 128, 128).contiguous()
    whole = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert torch.allclose(render(halved(stripes, whole, 32), whole, 32), torch.full((1, 3, 32, 32), 0.5), atol=1e-5)


def test_views_are_sized_by_the_recipe() -> None:
    assert views(2, view_px=96).pixels.shape == (2, 3, 96, 96)
