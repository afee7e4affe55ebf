"""Every variant of the method that a recipe can ask for: which networks and views there are, and which of them meet."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import pretrain.method
from pretrain.losses.global_contrast import global_contrast, nt_xent
from pretrain.losses.local_contrast import info_nce
from pretrain.method import StepLosses, step_losses
from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe, ViewsRecipe
from pretrain.views.sampler import Views, draw_views
from tests.pretrain.test_networks import same, statistics_of
from tests.pretrain.test_wiring import three_views
from tests.pretrain.tiny import gradient_size, one_step, some_images, tiny_networks, tiny_recipe

GLOBAL = {"local_weight": 0.0, "global_weight": 1.0, "temperature": 0.25}


def with_views(recipe: Recipe, **views: Any) -> Recipe:
    return recipe.model_copy(update={"views": recipe.views.model_copy(update=views)})


def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Views]:
    """All views that steps draw from now on, whole ones and small ones."""
    views: list[Views] = []

    def watching(*arguments: Any, **named: Any) -> Views:
        views.append(draw_views(*arguments, **named))
        return views[-1]

    monkeypatch.setattr(pretrain.method, "draw_views", watching)
    return views


def step_on_known_views(recipe: Recipe, networks: Networks, monkeypatch: pytest.MonkeyPatch) -> StepLosses:
    views = iter(three_views())
    monkeypatch.setattr(pretrain.method, "draw_views", lambda *_: next(views))
    return step_losses(networks, some_images(), recipe, torch.Generator().manual_seed(0))


@torch.no_grad()
def online(networks: Networks, view: Views) -> tuple[Tensor, Tensor]:
    """Projection and prediction of a view."""
    projection = networks.projector(networks.encoder.pooled(view.pixels))
    return projection, networks.predictor(projection)


def test_one_network_looks_for_its_own_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(networks=1, neighbours=False, **GLOBAL)
    networks = tiny_networks(recipe)
    assert networks.momentum_encoder is None
    assert networks.momentum_projector is None
    assert networks.queue is None
    got = step_on_known_views(recipe, networks, monkeypatch).terms
    (z1, p1), (z2, p2) = (online(networks, view) for view in three_views()[:2])
    assert got.keys() == {"global"}
    assert got["global"].item() == pytest.approx(global_contrast(z1, z2, p1, p2, 0.25).item(), rel=1e-4)


def test_one_network_with_neighbours_is_nnclr(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(networks=1, **GLOBAL)
    networks = tiny_networks(recipe)
    assert networks.momentum_encoder is None
    assert networks.queue is not None
    entries = networks.queue.entries.clone()
    got = step_on_known_views(recipe, networks, monkeypatch).terms["global"].item()
    (z1, p1), (z2, p2) = (online(networks, view) for view in three_views()[:2])

    def neighbours(rows: Tensor) -> Tensor:
        unit = F.normalize(rows, dim=1)
        return torch.stack([max(entries, key=lambda entry: float(entry @ row)) for row in unit])

    expected = (nt_xent(neighbours(z2), p1, 0.25) + nt_xent(neighbours(z1), p2, 0.25)) / 2
    assert got == pytest.approx(expected.item(), rel=1e-4)
    assert torch.allclose(networks.queue.entries[:8], F.normalize(z1, dim=1), atol=1e-5)


def test_an_own_embedding_stops_the_gradient() -> None:
    # Else the two sides would meet each other half way, as nothing in the figure does.
    recipe = tiny_recipe(networks=1, neighbours=False, **GLOBAL)
    networks = tiny_networks(recipe)
    projected = networks.projector(networks.encoder.pooled(some_images()))
    assert projected.requires_grad
    assert not networks.target_embeddings(some_images(), projected).requires_grad
    one_step(networks, recipe)
    networks.update_momentum_network()
    assert gradient_size(networks.encoder) > 0


def test_two_networks_without_neighbours_meet_the_embeddings_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(networks=2, neighbours=False, **GLOBAL)
    networks = tiny_networks(recipe)
    assert networks.momentum_encoder is not None
    assert networks.momentum_projector is not None
    networks.momentum_encoder.load_state_dict(tiny_networks(recipe, seed=5).encoder.state_dict())
    first, second = three_views()[:2]
    (_, p1), (_, p2) = online(networks, first), online(networks, second)
    with torch.no_grad():
        m1, m2 = (networks.momentum_projector(networks.momentum_encoder.pooled(v.pixels)) for v in (first, second))
    got = step_on_known_views(recipe, networks, monkeypatch).terms["global"].item()
    assert got == pytest.approx(global_contrast(m1, m2, p1, p2, 0.25).item(), rel=1e-4)


@pytest.mark.parametrize(
    ("count", "weights", "expected"),
    [
        (3, {}, 3),
        (2, {}, 2),
        (3, {"local_weight": 0.0}, 2),
        (3, {"global_weight": 0.0}, 2),
        (3, {"global_weight": 0.0, "dense_weight": 1.0}, 3),
        (3, {"local_weight": 0.0, "dense_weight": 1.0, "flaw_weight": 1.0}, 2),
    ],
)
def test_a_view_that_no_term_compares_is_not_drawn(
    count: int, weights: dict[str, float], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_views(tiny_recipe(**weights), count=count)
    views = drawn(monkeypatch)
    one_step(tiny_networks(recipe), recipe)
    assert len(views) == expected


@pytest.mark.parametrize(("count", "other"), [(2, 1), (3, 2)])
def test_the_local_term_compares_the_first_two_views_and_the_global_one_the_first_and_last(
    count: int, other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_views(tiny_recipe(networks=3, neighbours=False, ema_momentum=0.0, temperature=0.25), count=count)
    networks = tiny_networks(recipe)
    got = step_on_known_views(recipe, networks, monkeypatch).terms
    seen = [online(networks, view) for view in three_views()]
    # The momentum network is still a copy: its embeddings are the online projections.
    (z1, p1), (z3, p3) = seen[0], seen[other]
    assert got["global"].item() == pytest.approx(global_contrast(z1, z3, p1, p3, 0.25).item(), rel=1e-3)
    c1, c2 = (pretrain.method.combine(networks, view.pixels, recipe.method) for view in three_views()[:2])
    p2 = seen[1][1]
    local = sum(info_nce(p2, a, 0.25) + info_nce(p1, b, 0.25) for a, b in zip(c1, c2, strict=True)) / 12
    assert got["local"].item() == pytest.approx(float(local), rel=1e-3)


def test_the_local_term_has_a_temperature_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def local(**temperatures: float) -> float:
        recipe = tiny_recipe(**temperatures)
        return step_on_known_views(recipe, tiny_networks(recipe), monkeypatch).terms["local"].item()

    assert local(temperature=0.2, local_temperature=0.7) == local(temperature=0.7)
    assert local(temperature=0.2) != local(temperature=0.7)


@pytest.mark.parametrize(("grid", "combined", "expected"), [(2, 1, 4), (2, 3, 4), (3, 2, 36), (4, 1, 16), (4, 15, 16)])
def test_any_grid_and_number_of_patches_combine(grid: int, combined: int, expected: int) -> None:
    recipe = tiny_recipe(grid=grid, combined_patches=combined, encoder={"taps": (4, 8), "pooled_tap": 8})
    networks = tiny_networks(recipe)
    assert pretrain.method.combine(networks, some_images(4), recipe.method).shape == (expected, 4, 32)
    assert one_step(networks, recipe).terms["local"].item() > 0


def test_without_its_gradient_the_local_term_is_told_and_moves_nothing() -> None:
    recipe = tiny_recipe(local_gradient=False)
    losses = one_step(tiny_networks(recipe), recipe)
    assert losses.terms["local"].item() > 0
    assert not losses.terms["local"].requires_grad
    assert losses.terms["global"].requires_grad


def test_small_views_are_small_and_show_a_small_part(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = with_views(tiny_recipe(small_weight=1.0), small_count=3, small_px=32, small_area=(0.1, 0.15))
    views = drawn(monkeypatch)
    one_step(tiny_networks(recipe), recipe)
    assert [view.pixels.shape[-1] for view in views] == [64, 64, 64, 32, 32, 32]
    for view in views[3:]:
        parts = view.placement[:, 0, 0].abs() * view.placement[:, 1, 1].abs()
        assert bool(((parts >= 0.1 - 1e-5) & (parts <= 0.15 + 1e-5)).all())
    # Other draws, not the same view three times.
    assert not torch.equal(views[3].placement, views[4].placement)


def test_each_small_view_looks_for_both_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"networks": 1, "neighbours": False, "local_weight": 0, "global_weight": 0, "small_weight": 1.0}
    recipe = with_views(tiny_recipe(temperature=0.25, **weights), small_count=2, small_px=32)
    networks = tiny_networks(recipe)
    views = drawn(monkeypatch)
    losses = one_step(networks, recipe)
    assert losses.terms.keys() == {"small"}
    (z1, _), (z2, _), (_, s1), (_, s2) = (online(networks, view) for view in views)
    terms = [nt_xent(z, s, 0.25) for z in (z1, z2) for s in (s1, s2)]
    assert losses.terms["small"].item() == pytest.approx(sum(term.item() for term in terms) / 4, rel=1e-3)
    for part in (networks.encoder, networks.projector, networks.predictor):
        assert gradient_size(part) > 0


@pytest.mark.parametrize("isolated", [True, False])
def test_small_views_stay_out_of_the_running_statistics_as_patches_do(isolated: bool) -> None:
    networks = tiny_networks(tiny_recipe(small_weight=1.0, isolate_patch_statistics=isolated))
    before = statistics_of(networks.encoder)
    with networks.small_views_apart():
        pretrain.method.predict_pooled(networks, some_images()[..., :32, :32])
    assert same(statistics_of(networks.encoder), before) is isolated


def test_a_grey_line_pays_for_one_channel_all_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"dense_weight": 1.0, "flaw_weight": 1.0, "small_weight": 1.0}
    recipe = with_views(tiny_recipe(encoder={"colour": False}, **weights), small_px=32)
    networks = tiny_networks(recipe)
    views = drawn(monkeypatch)
    losses = one_step(networks, recipe)
    assert {view.pixels.shape[1] for view in views} == {1}
    assert losses.terms.keys() == {"global", "local", "dense", "flaw", "small"}
    assert gradient_size(networks.encoder) > 0


def test_views_of_one_channel_are_lit_like_those_of_three() -> None:
    # Saturation, hue and grey are nothing to a grey image: brightness, contrast and blur do the same to both.
    recipe = ViewsRecipe(view_px=64, saturation=0, hue=0, grey_rate=0, blur_rate=0)
    grey = some_images()[:, :1]
    one = draw_views(grey, recipe, torch.Generator().manual_seed(1))
    three = draw_views(grey.expand(-1, 3, -1, -1), recipe, torch.Generator().manual_seed(1))
    assert torch.equal(one.placement, three.placement)
    ranges = one.pixels.amax((1, 2, 3)) - one.pixels.amin((1, 2, 3))
    assert ranges.std() > 0
    assert torch.allclose(one.pixels, three.pixels[:, :1], atol=1e-5)
