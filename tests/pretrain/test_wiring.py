"""Which view meets which: the step against the figure, put together by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import pretrain.method
from pretrain.losses.dense_contrast import dense_contrast
from pretrain.losses.global_contrast import nt_xent
from pretrain.losses.local_contrast import info_nce
from pretrain.method import step_losses
from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe
from pretrain.views.sampler import Views
from tests.pretrain.tiny import some_images, tiny_networks, tiny_recipe

RECIPE = tiny_recipe(dense_weight=1.0, dense_temperature=0.3, temperature=0.25)
CROPS = ((0.8, 0.1), (0.6, -0.2), (-0.7, 0.2))


def three_views() -> list[Views]:
    placements = [torch.tensor([[[width, 0, x], [0, 0.7, 0.1]]] * 8) for width, x in CROPS]
    return [Views(some_images(8, seed), placement) for seed, placement in enumerate(placements)]


@torch.no_grad()
def expected_terms(networks: Networks, views: list[Views]) -> dict[str, float]:
    """The terms as the figure joins them; BatchNorm normalises by each view's own batch, so order does not matter."""
    x1, x2, x3 = (view.pixels for view in views)

    def online(x: Tensor) -> Tensor:
        projected = networks.projector(networks.encoder.pooled(x))
        answer: Tensor = networks.predictor(projected)
        return answer

    def neighbour(x: Tensor) -> Tensor:
        m = F.normalize(networks.momentum_projector(networks.momentum_encoder.pooled(x)), dim=1)
        return torch.stack([max(networks.queue.entries, key=lambda entry: float(entry @ row)) for row in m])

    def combinations(x: Tensor) -> list[Tensor]:
        quarters = [x[..., :32, :32], x[..., :32, 32:], x[..., 32:, :32], x[..., 32:, 32:]]
        pooled = networks.encoder.pooled(torch.cat(quarters)).split(8)
        return [networks.projector((pooled[a] + pooled[b]) / 2) for a in range(4) for b in range(a + 1, 4)]

    p1, p2, p3 = online(x1), online(x2), online(x3)
    c1, c2 = combinations(x1), combinations(x2)
    local = sum(info_nce(p2, a, 0.25) + info_nce(p1, b, 0.25) for a, b in zip(c1, c2, strict=True)) / 12
    first, third = (networks.dense_head(networks.encoder.patch_embeddings(x)) for x in (x1, x3))
    placements = (views[0].placement, views[2].placement)
    dense = dense_contrast(first, third, placements, 0.3, torch.Generator().manual_seed(0))
    whole = (nt_xent(neighbour(x3), p1, 0.25) + nt_xent(neighbour(x1), p3, 0.25)) / 2
    return {"global": whole.item(), "local": float(local), "dense": dense.item()}


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> tuple[Networks, dict[str, Tensor], list[Views]]:
    """Networks after one step on known views, and the step's terms."""
    views = three_views()
    drawn = iter(views)
    monkeypatch.setattr(pretrain.method, "draw_views", lambda *_: next(drawn))
    networks = networks_apart(RECIPE)
    terms = step_losses(networks, some_images(), RECIPE, torch.Generator().manual_seed(0)).terms
    return networks, terms, views


def networks_apart(recipe: Recipe) -> Networks:
    """Online and momentum network as they are after many steps: not the same."""
    networks, other = tiny_networks(recipe, 1), tiny_networks(recipe, 2)
    networks.momentum_encoder.load_state_dict(other.encoder.state_dict())
    networks.momentum_projector.load_state_dict(other.projector.state_dict())
    return networks


def test_every_term_joins_the_views_of_the_figure(step: tuple[Networks, dict[str, Tensor], list[Views]]) -> None:
    _, terms, views = step
    expected = expected_terms(networks_apart(RECIPE), views)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)


def test_the_queue_takes_the_first_views_momentum_embeddings(
    step: tuple[Networks, dict[str, Tensor], list[Views]],
) -> None:
    networks, _, views = step
    fresh = F.normalize(networks_apart(RECIPE).target_embeddings(views[0].pixels, torch.zeros(8, 32)), dim=1)
    assert torch.allclose(networks.queue.entries[:8], fresh, atol=1e-5)
