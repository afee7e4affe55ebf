"""How far a patch embedding lies from the nearest normal ones: the anomaly map of a memory bank."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NearestNormal(nn.Module):
    """A memory bank [M, D] of normal embeddings. Plain matrix products, so that it exports to ONNX as it is."""

    bank: Tensor
    squares: Tensor

    def __init__(self, bank: Tensor, neighbours: int = 3) -> None:
        super().__init__()
        self.neighbours = min(neighbours, len(bank))
        self.register_buffer("bank", bank.t().contiguous())
        self.register_buffer("squares", bank.square().sum(1))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Mean distance of each of [..., D] to its nearest bank entries, [...]."""
        # |q - b|^2 = |q|^2 + (|b|^2 - 2 q.b): the last part ranks. For its value, large squares would cancel and leave
        # rounding that differs from one runtime to the next: the few that are kept are subtracted entry by entry.
        ranks = self.squares - 2 * embeddings @ self.bank
        nearest = torch.topk(ranks, self.neighbours, dim=-1, largest=False, sorted=False).indices
        return mean_distance(embeddings, self.bank.t(), nearest)


def mean_distance(embeddings: Tensor, bank: Tensor, nearest: Tensor) -> Tensor:
    """Of each of [..., D] to those rows of the bank [M, D] that `nearest` [..., k] numbers, [...]."""
    gaps = embeddings.unsqueeze(-2) - F.embedding(nearest, bank)
    return gaps.square().sum(-1).clamp_min(1e-12).sqrt().mean(-1)


def smooth_map(distances: Tensor) -> Tensor:
    """Anomaly map [B, h, w] averaged over each cell's neighbours: a lone cell is noise more often than a flaw."""
    return F.avg_pool2d(distances[:, None], 3, stride=1, padding=1, count_include_pad=False)[:, 0]


def draw_bank(embeddings: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """At most `size` random rows of the cells of [N, D, h, w]."""
    rows = embeddings.permute(0, 2, 3, 1).flatten(0, 2)
    return rows[torch.randperm(len(rows), generator=generator)[:size]].float()
