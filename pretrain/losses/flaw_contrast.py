"""Flaw contrast: cells that a synthetic flaw has changed move away from every clean cell, all others stay."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision

_MAX_CHANGED_CELLS = 256
_MAX_CLEAN_CELLS = 1024


@in_full_precision
def flaw_contrast(
    clean: Tensor, flawed: Tensor, changed: Tensor, temperature: float, generator: torch.Generator
) -> Tensor:
    """A scalar from dense maps [B, D, h, w] of views and of their flawed copies, and the changed cells, bool [B, h, w].

    Unchanged cells: 1 - cosine to the same clean cell. Changed cells: log(1 + mean over clean cells of
    exp(cosine / temperature)), so that what weighs is the clean cell they resemble most.
    """
    clean_cells = F.normalize(clean.float(), dim=1).permute(0, 2, 3, 1)
    flawed_cells = F.normalize(flawed.float(), dim=1).permute(0, 2, 3, 1)
    similarity = (clean_cells.detach() * flawed_cells).sum(-1)
    untouched = ~grow(changed)
    stay = ((1 - similarity) * untouched).sum() / untouched.sum().clamp_min(1)
    strangers = _sample(flawed_cells[changed], _MAX_CHANGED_CELLS, generator)
    if len(strangers) == 0:
        return stay
    normals = _sample(clean_cells.detach().flatten(0, 2), _MAX_CLEAN_CELLS, generator)
    away = F.softplus(torch.logsumexp(strangers @ normals.T / temperature, dim=1) - torch.tensor(len(normals)).log())
    return stay + away.mean()


def changed_cells(changed: Tensor, height: int, width: int) -> Tensor:
    """Changed pixels, bool [B, V, V], to cells of which a tenth or more has changed, bool [B, height, width]."""
    return F.adaptive_avg_pool2d(changed[:, None].float(), (height, width))[:, 0] >= 0.1


def grow(cells: Tensor) -> Tensor:
    """Cells bool [B, h, w] and their neighbours, which the flaw reaches through the receptive field."""
    return F.max_pool2d(cells[:, None].float(), 3, stride=1, padding=1)[:, 0] > 0


def _sample(rows: Tensor, most: int, generator: torch.Generator) -> Tensor:
    if len(rows) <= most:
        return rows
    return rows[torch.randperm(len(rows), generator=generator)[:most].to(rows.device)]
