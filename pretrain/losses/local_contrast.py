"""Local contrast: the whole view against combinations of another view's patches."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision


@in_full_precision
def info_nce(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """InfoNCE of paired embeddings [B, D]: query i must find key i among the B keys. A scalar."""
    logits = F.normalize(queries.float(), dim=1) @ F.normalize(keys.float(), dim=1).T / temperature
    return F.cross_entropy(logits, torch.arange(len(queries), device=queries.device))


def cut_in_patches(views: Tensor, grid: int) -> Tensor:
    """Views [B, C, V, V] to patches [grid * grid * B, C, V / grid, V / grid], patch by patch in reading order."""
    side = views.shape[-1] // grid
    rows = [views[..., y * side : (y + 1) * side, x * side : (x + 1) * side] for y in range(grid) for x in range(grid)]
    return torch.cat(rows)


def combine_patches(pooled: Tensor, patch_count: int, combined: int) -> Tensor:
    """Pooled patches [patch_count * B, P] to the means of all their combinations, [C, B, P] (Fast-MoCo)."""
    by_patch = pooled.view(patch_count, -1, pooled.shape[1])
    chosen = list(combinations(range(patch_count), combined))
    return torch.stack([by_patch[list(members)].mean(0) for members in chosen])


def local_contrast(p1: Tensor, p2: Tensor, c1: Tensor, c2: Tensor, temperature: float) -> Tensor:
    """L_local = 1/2C sum over C combinations [InfoNCE(p2, c1) + InfoNCE(p1, c2)] (Li, Long, Li 2023).

    p1, p2 [B, D] carry the gradient; c1, c2 [C, B, D] are stopped.
    """
    terms = [
        info_nce(p2, of_first, temperature) + info_nce(p1, of_second, temperature)
        for of_first, of_second in zip(c1.detach(), c2.detach(), strict=True)
    ]
    return torch.stack(terms).mean() / 2
