"""Map contrast: the anomaly map of the embeddings tells flawed cells from clean ones.

Scoring asks one thing of an embedding: how far it lies from the nearest normal ones of *other* images (the memory bank,
Roth et al. 2022). This term asks the same of a batch. Each image is scored with the clean cells of all others as its
bank; a cell that a synthetic flaw has changed must come out beyond a limit, a clean one within it. The limit is fixed:
were only the order of distances asked for, all of them would grow, and unseen normal images would lie far out too.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.evaluate.nearest_normal import distances_to
from pretrain.precision import in_full_precision

_BANK_CELLS = 4096
_CHANGED_CELLS = 512
_CLEAN_CELLS = 512
_NEIGHBOURS = 3


@in_full_precision
def map_contrast(
    clean: Tensor,
    flawed: Tensor,
    changed: Tensor,
    widths: Sequence[int],
    limit: float,
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """A scalar from patch embeddings [B, D, h, w] of views and of their flawed copies, and the changed cells, bool
    [B, h, w]: the cross-entropy of sigmoid((d - limit) / temperature), changed and clean cells weighing alike.

    d is the mean distance to the 3 nearest of the other images' clean cells, or of its own where there is no other: tap
    by tap, whose parts of D are `widths`, and their sum over the root of their number. The bank has no gradient, as in
    scoring.
    """
    cells, flawed_cells = (part.float().flatten(2).transpose(1, 2) for part in (clean, flawed))
    order = torch.rand(cells.shape[:2], generator=generator).to(cells.device)
    changed_first = (order * changed.flatten(1)).topk(_each(_CHANGED_CELLS, cells), dim=1)
    strangers, has_changed = _at(flawed_cells, changed_first.indices), changed_first.values > 0
    drawn = order.argsort(dim=1)
    bank = _at(cells.detach(), drawn[:, : _each(_BANK_CELLS, cells)])
    near = _distance(_at(cells, drawn[:, -_each(_CLEAN_CELLS, cells) :]), bank, widths)
    loss = F.softplus((near - limit) / temperature).mean()
    if bool(has_changed.any()):
        far = _distance(strangers, bank, widths)[has_changed]
        loss = loss + F.softplus((limit - far) / temperature).mean()
    return loss


def _distance(cells: Tensor, bank: Tensor, widths: Sequence[int]) -> Tensor:
    """Of cells [B, q, D] to the bank [B, k, D], over all taps, [B, q]."""
    taps = zip(cells.split(list(widths), dim=2), bank.split(list(widths), dim=2), strict=True)
    # Over the root, so that taps that agree count as their joined embedding would.
    total: Tensor = torch.stack([_distance_in_tap(*tap) for tap in taps]).sum(0) / len(widths) ** 0.5
    return total


def _distance_in_tap(cells: Tensor, bank: Tensor) -> Tensor:
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
    return distances_to(rows, entries, nearest).mean(-1).view(count, each)


def _at(cells: Tensor, places: Tensor) -> Tensor:
    """The cells [B, N, D] at places [B, k], as [B, k, D]."""
    return cells.gather(1, places[..., None].expand(-1, -1, cells.shape[-1]))


def _each(total: int, cells: Tensor) -> int:
    """How many cells of each image make about `total` of the batch."""
    return min(max(total // len(cells), 1), cells.shape[1])
