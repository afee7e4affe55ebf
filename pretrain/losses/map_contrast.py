"""Map contrast: the anomaly map of the embeddings tells flawed cells from clean ones.

Scoring asks one thing of an embedding: how far it lies from the nearest normal ones of *other* images (the memory bank,
Roth et al. 2022). This term asks the same of a batch. Each image is scored with the clean cells of all others as its
bank; a cell that a synthetic flaw has changed must come out farther than any clean cell, whichever image that is in.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision

_BANK_CELLS = 4096
_CHANGED_CELLS = 512
_CLEAN_CELLS = 512
_CANDIDATES_PER_CELL = 8
_NEIGHBOURS = 3


@in_full_precision
def map_contrast(
    clean: Tensor, flawed: Tensor, changed: Tensor, temperature: float, generator: torch.Generator
) -> Tensor:
    """A scalar from patch embeddings [B, D, h, w] of views and of their flawed copies, and the changed cells, bool
    [B, h, w]; 0 where no cell has changed.

    Mean over pairs of a changed cell i and a clean cell j of softplus((d_j - d_i) / temperature), d being the mean
    distance to the 3 nearest of the other images' clean cells: a smooth 1 - AUROC of the map. Half of the clean cells
    are each image's farthest, since an image is judged by its peak. The bank has no gradient, as in scoring.
    """
    count = len(clean)
    cells, flawed_cells = (part.float().flatten(2).transpose(1, 2) for part in (clean, flawed))
    bank = _per_image(cells.detach(), _draw(cells, _BANK_CELLS, generator))
    weight = torch.rand(changed.flatten(1).shape, generator=generator).to(cells.device) * changed.flatten(1)
    place = weight.topk(min(_each(_CHANGED_CELLS, count), weight.shape[1]), dim=1)
    strangers, chosen = _per_image(flawed_cells, place.indices), place.values > 0
    if not bool(chosen.any()):
        return flawed.sum() * 0
    far = _distance(strangers, bank)[chosen]
    near = _distance(_per_image(cells, _clean_places(cells, bank, generator)), bank).flatten()
    return F.softplus((near[None] - far[:, None]) / temperature).mean()


def _clean_places(cells: Tensor, bank: Tensor, generator: torch.Generator) -> Tensor:
    """Clean cells to compare with, [B, k]: one half at random, the other the farthest of some more."""
    each = max(_each(_CLEAN_CELLS, len(cells)) // 2, 1)
    drawn = _draw(cells, _CLEAN_CELLS * _CANDIDATES_PER_CELL, generator)
    with torch.no_grad():
        farthest = _distance(_per_image(cells, drawn), bank).topk(min(each, drawn.shape[1]), dim=1).indices
    return torch.cat([drawn[:, :each], drawn.gather(1, farthest)], dim=1)


def _distance(cells: Tensor, bank: Tensor) -> Tensor:
    """Mean distance of cells [B, q, D] to the nearest of the bank [B, k, D] that other images own, [B, q]."""
    count, each = cells.shape[:2]
    rows, entries = cells.flatten(0, 1), bank.flatten(0, 1)
    with torch.no_grad():
        ranks = entries.square().sum(1) - 2 * rows @ entries.T
        # With a single image there is no other: its own cells must do.
        if count > 1:
            own = torch.arange(count, device=cells.device)
            is_own = own.repeat_interleave(each)[:, None] == own.repeat_interleave(bank.shape[1])[None]
            ranks = ranks.masked_fill(is_own, torch.inf)
        most = min(_NEIGHBOURS, bank.shape[1] * max(count - 1, 1))
        nearest = ranks.topk(most, dim=1, largest=False).indices
    gaps = rows[:, None] - entries[nearest]
    distances: Tensor = gaps.square().sum(-1).clamp_min(1e-12).sqrt().mean(1)
    return distances.view(count, each)


def _draw(cells: Tensor, total: int, generator: torch.Generator) -> Tensor:
    """Random places in each image, [B, k], each once: about `total` in the whole batch."""
    count, places, _ = cells.shape
    order = torch.rand(count, places, generator=generator).argsort(dim=1)
    return order[:, : _each(total, count)].to(cells.device)


def _per_image(cells: Tensor, places: Tensor) -> Tensor:
    """The cells [B, N, D] at places [B, k], as [B, k, D]."""
    return cells.gather(1, places[..., None].expand(-1, -1, cells.shape[-1]))


def _each(total: int, count: int) -> int:
    return max(total // count, 1)
