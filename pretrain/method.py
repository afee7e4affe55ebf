"""One step of the method, in the paper's order: three views, three networks, two losses (Li, Long, Li 2023, fig. 2).

    view 1, 2, 3 --> online network   --> p1, p2, p3           the only gradient
    view 1, 3    --> momentum network --> neighbours j1, j3    stopped
    patches of   --> local network    --> combinations c1, c2  stopped, weights shared with online
    view 1, 2

    L = global_weight * L_global(j1, j3; p1, p3) + local_weight * L_local(p1, p2; c1, c2)

To these come small views against j1 and j3, and the terms that make the encoder good place by place: dense contrast,
flaw contrast, map contrast and preservation. With two views, view 2 stands in for view 3. docs/method.md draws it all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.flaws import add_flaws
from pretrain.losses.dense_contrast import dense_contrast
from pretrain.losses.flaw_contrast import changed_cells, flaw_contrast
from pretrain.losses.global_contrast import global_contrast, small_contrast
from pretrain.losses.local_contrast import combine_patches, cut_in_patches, local_contrast
from pretrain.losses.map_contrast import map_contrast
from pretrain.losses.preservation import preservation
from pretrain.networks.networks import Networks
from pretrain.processes.one_batch import gather, mean_of_all
from pretrain.recipe import MethodRecipe, Recipe
from pretrain.views.sampler import Views, draw_views


@dataclass(frozen=True)
class Online:
    """What the online network makes of one view."""

    projection: Tensor
    prediction: Tensor
    embeddings: Tensor


@dataclass(frozen=True)
class StepLosses:
    """The total to descend, its terms before weighting, and the spread of the predictions (0 is collapse)."""

    total: Tensor
    terms: dict[str, Tensor]
    spread: float


def step_losses(networks: Networks, images: Tensor, recipe: Recipe, generator: torch.Generator) -> StepLosses:
    """Losses of one batch: images float [B, 3, S, S] in 0..1. Pushes the batch's momentum embeddings to the queue."""
    method = recipe.method
    images = networks.encoder.as_seen(images)
    views = [draw_views(images, recipe.views, generator) for _ in range(recipe.view_count)]
    online = [predict(networks, view.pixels) for view in views]
    # The local term compares the first two views, all others the first and the last.
    ends = (views[0], views[-1]), (online[0], online[-1])
    terms: dict[str, Tensor] = {}
    if method.finds_targets:
        terms |= global_terms(networks, images, *ends, recipe, generator)
    if method.local_weight:
        terms["local"] = local_term(networks, (views[0], views[1]), (online[0], online[1]), method)
    terms |= place_terms(networks, *ends, method, generator)
    weights = method.model_dump()
    total = torch.stack([weights[f"{name}_weight"] * term for name, term in terms.items()]).sum()
    return StepLosses(total, terms, _spread(online[0].prediction))


def predict(networks: Networks, views: Tensor) -> Online:
    """Views through the online network: projection and p [B, width], and patch embeddings [B, D, h, w].

    p is that of the whole batch, as is all that terms compare; the rest is that of the rows at hand.
    """
    embeddings, pooled = networks.encoder(views)
    projection = networks.projector(pooled)
    return Online(projection, gather(networks.predictor(projection)), embeddings)


def global_terms(
    networks: Networks,
    images: Tensor,
    views: tuple[Views, Views],
    online: tuple[Online, Online],
    recipe: Recipe,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms that compare predictions with the neighbours of two whole views' momentum embeddings."""
    method = recipe.method
    m1, m3 = (gather(networks.target_embeddings(views[end].pixels, online[end].projection)) for end in (0, 1))
    j1, j3 = networks.neighbours(m1), networks.neighbours(m3)
    terms: dict[str, Tensor] = {}
    if method.global_weight:
        p1, p3 = online[0].prediction, online[1].prediction
        terms["global"] = global_contrast(j1, j3, p1, p3, method.temperature)
    if method.small_weight:
        small = [draw_views(images, recipe.views, generator, small=True) for _ in range(recipe.views.small_count)]
        with networks.small_views_apart():
            predictions = torch.stack([predict_pooled(networks, view.pixels) for view in small])
        terms["small"] = small_contrast(j1, j3, predictions, method.temperature)
    if networks.queue is not None:
        networks.queue.push(m1)
    return terms


def predict_pooled(networks: Networks, views: Tensor) -> Tensor:
    """Views through the online network to their predictions alone, [B, width]."""
    prediction: Tensor = networks.predictor(networks.projector(networks.encoder.pooled(views)))
    return gather(prediction)


def local_term(
    networks: Networks, views: tuple[Views, Views], online: tuple[Online, Online], method: MethodRecipe
) -> Tensor:
    """Two whole views, each against the combined patches of the other."""
    c1, c2 = (combine(networks, view.pixels, method) for view in views)
    p1, p2 = (seen.prediction if method.local_gradient else seen.prediction.detach() for seen in online)
    return local_contrast(p1, p2, c1, c2, method.local_temperature or method.temperature)


def combine(networks: Networks, views: Tensor, method: MethodRecipe) -> Tensor:
    """Views through the local network: c, one embedding for every combination of patches, [C, B, width]."""
    pooled = networks.pooled_patches(cut_in_patches(views, method.grid))
    combinations = combine_patches(pooled, method.grid**2, method.combined_patches)
    return gather(networks.project_combinations(combinations), dim=1)


def place_terms(
    networks: Networks,
    views: tuple[Views, Views],
    online: tuple[Online, Online],
    method: MethodRecipe,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms that compare cell by cell, not view by view."""
    terms: dict[str, Tensor] = {}
    if method.dense_weight or method.flaw_weight:
        dense = gather(networks.dense_head(online[0].embeddings))
    if method.dense_weight:
        other = gather(networks.dense_head(online[1].embeddings))
        placements = (gather(views[0].placement), gather(views[1].placement))
        terms["dense"] = dense_contrast(dense, other, placements, method.dense_temperature, generator)
    if method.flaw_weight or method.map_weight:
        flawed = add_flaws(views[0].pixels, generator)
        embeddings = networks.encoder.patch_embeddings(flawed.pixels)
        cells = gather(changed_cells(flawed.changed, *embeddings.shape[-2:]))
    if method.flaw_weight:
        flawed_dense = gather(networks.dense_head(embeddings))
        terms["flaw"] = flaw_contrast(dense, flawed_dense, cells, method.dense_temperature, generator)
    if method.map_weight:
        clean = gather(online[0].embeddings)
        limits = method.map_limit, method.map_temperature
        widths = networks.encoder.tap_widths
        terms["map"] = map_contrast(clean, gather(embeddings), cells, widths, *limits, generator)
    if networks.start_encoder is not None:
        with torch.no_grad():
            at_start = networks.start_encoder.patch_embeddings(views[0].pixels)
        terms["preserve"] = mean_of_all(preservation(online[0].embeddings, at_start))
    return terms


def _spread(predictions: Tensor) -> float:
    """Mean deviation of the normalised predictions [B, D] over the batch, times sqrt(D): about 1 when spread out."""
    rows = torch.nn.functional.normalize(predictions.detach().float(), dim=1)
    return float(rows.std(dim=0).mean() * rows.shape[1] ** 0.5)
