"""How much farther than usual a patch embedding lies from the nearest normal ones: the anomaly map of a memory bank."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NearestNormal(nn.Module):
    """A memory bank [M, D] of normal embeddings. Plain matrix products, so that it exports to ONNX as it is.

    `usual` [M] is the distance at which normal embeddings of unseen images come to each entry. Taken off, a busy
    texture or an edge that never looks the same twice need not drown a small flaw on a plain face. Their mean is given
    back, so that what comes out still has the size of a distance. None takes off none.
    """

    bank: Tensor
    keys: Tensor
    usual: Tensor
    level: Tensor

    def __init__(self, bank: Tensor, neighbours: int = 3, usual: Tensor | None = None) -> None:
        super().__init__()
        self.neighbours = min(neighbours, len(bank))
        self.register_buffer("bank", bank.contiguous())
        self.register_buffer("keys", ranking_keys(bank))
        self.register_buffer("usual", torch.zeros_like(bank[:, :1]) if usual is None else usual[:, None].contiguous())
        self.register_buffer("level", self.usual.mean().reshape(1))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Mean distance of each of [..., D] to its nearest bank entries less what is usual at those, [...]."""
        ranks = torch.cat([embeddings, torch.ones_like(embeddings[..., :1])], dim=-1) @ self.keys
        nearest = torch.topk(ranks, self.neighbours, dim=-1, largest=False, sorted=False).indices
        usual = F.embedding(nearest, self.usual)[..., 0].mean(-1)
        return distances_to(embeddings, self.bank, nearest).mean(-1) - usual + self.level


def ranking_keys(bank: Tensor) -> Tensor:
    """[D + 1, M] of a bank [M, D], to rank its entries by one matrix product with embeddings that end in a 1.

    |q - b|^2 = |q|^2 + (|b|^2 - 2 q.b): the last part ranks. For its value, large squares would cancel and leave
    rounding that differs from one runtime to the next: the few that are kept are subtracted entry by entry.
    """
    return torch.cat([-2 * bank.T, bank.square().sum(1)[None]]).contiguous()


def distances_to(embeddings: Tensor, bank: Tensor, chosen: Tensor) -> Tensor:
    """Of each of [..., D] to those rows of the bank [M, D] that `chosen` [..., k] numbers, [..., k]."""
    gaps = embeddings.unsqueeze(-2) - F.embedding(chosen, bank)
    return gaps.square().sum(-1).clamp_min(1e-12).sqrt()


def smooth_map(distances: Tensor) -> Tensor:
    """Anomaly map [B, h, w] averaged over each cell's neighbours: a lone cell is noise more often than a flaw."""
    return F.avg_pool2d(distances[:, None], 3, stride=1, padding=1, count_include_pad=False)[:, 0]


def view_level(maps: Tensor) -> Tensor:
    """The distance that three quarters of a view's cells exceed, [B] of anomaly maps [B, h, w].

    A change of light lifts it, and a defect does not, even where it covers half of the view.
    """
    cells = maps.flatten(1)
    # The ONNX operators know no quantile: it is the last of the smallest quarter.
    return cells.topk(cells.shape[1] // 4 + 1, dim=1, largest=False, sorted=True).values[:, -1]


def local_excess(maps: Tensor, usual_level: Tensor | None = None) -> Tensor:
    """The peak of each anomaly map [B, h, w], [B]: beyond the view's own level, or the usual one if that is higher."""
    return beyond_level(maps, usual_level).flatten(1).amax(1)


def beyond_level(maps: Tensor, usual_level: Tensor | None = None) -> Tensor:
    """Anomaly maps [B, h, w] less their view's own level, or less the usual one [] if that is higher.

    What normal views differ in below the usual level says something of the part. What lies above is the light.
    """
    levels = view_level(maps)
    if usual_level is not None:
        levels = torch.maximum(levels, usual_level)
    return maps - levels[:, None, None]
