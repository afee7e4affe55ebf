"""The memory bank: a few normal embeddings that stand for all of them."""

import torch
from torch import Tensor

_CANDIDATES = 60_000
_ROUNDS = 12


def build_bank(cells: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`size` rows that stand for the rows of [n, D]: k-means centres of a random subset.

    A greedy coreset seeks out the rarest rows, and among unlabeled images those may be defects; a centre is where many
    are. Rows are as many as asked for, or fewer where there are fewer.
    """
    chosen = torch.randperm(len(cells), generator=generator)[:_CANDIDATES]
    rows = cells[chosen].float()
    if len(rows) <= size:
        return rows
    centres = rows[:size].clone()
    for _ in range(_ROUNDS):
        owners = _nearest(rows, centres)
        counts = torch.bincount(owners, minlength=size).unsqueeze(1)
        sums = torch.zeros_like(centres).index_add_(0, owners, rows)
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return centres


def _nearest(rows: Tensor, centres: Tensor) -> Tensor:
    squares = centres.square().sum(1)
    return torch.cat([(squares - 2 * part @ centres.T).argmin(1) for part in rows.split(8192)])
