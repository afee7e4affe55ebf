"""Cells of many images, a coreset of them, and which of its entries other images' cells come to."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.evaluate.nearest_normal import distances_to

_CANDIDATES = 24_000
_PROJECTED_WIDTH = 48
_PART = 4096


@dataclass(frozen=True)
class Cells:
    """Embeddings [n, D], and which image owns each: whole numbers [n], below zero where that is not known."""

    rows: Tensor
    owners: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, chosen: Tensor) -> "Cells":
        return Cells(self.rows[chosen].float(), self.owners[chosen])


def cells_of(maps: Tensor, first_owner: int = 0) -> Cells:
    """All cells of the maps [N, D, h, w] of N images, which are numbered from `first_owner`."""
    count, _, height, width = maps.shape
    owners = torch.arange(first_owner, first_owner + count, device=maps.device).repeat_interleave(height * width)
    return Cells(maps.permute(0, 2, 3, 1).flatten(0, 2), owners)


def draw_coreset(cells: Cells, size: int, generator: torch.Generator, device: torch.device | None = None) -> Cells:
    """`size` cells, each the farthest from those before it: greedy k-centres of a random subset, seen in a random
    projection (Roth et al. 2022, algorithm 1). All of them where there are no more."""
    drawn = some_cells(cells, max(_CANDIDATES, size), generator)
    drawn = Cells(drawn.rows.to(device), drawn.owners.to(device))
    if len(drawn) <= size:
        return drawn
    width = min(_PROJECTED_WIDTH, drawn.rows.shape[1])
    projection = torch.randn(drawn.rows.shape[1], width, generator=generator).to(drawn.rows) / width**0.5
    points = drawn.rows @ projection
    # Of no image's liking: the first is the cell nearest to the middle of all.
    nearest_square = (points - points.mean(0)).square().sum(1)
    chosen = [int(nearest_square.argmin())]
    nearest_square = (points - points[chosen[0]]).square().sum(1)
    while len(chosen) < size:
        farthest = int(nearest_square.argmax())
        if not nearest_square[farthest] > 0:
            # What is left is there already. Of two equal entries rounding would choose, and with it what is usual.
            break
        chosen.append(farthest)
        nearest_square = torch.minimum(nearest_square, (points - points[chosen[-1]]).square().sum(1))
    return drawn.at(torch.tensor(chosen, device=drawn.rows.device))


def visits(bank: Cells, cells: Cells, neighbours: int) -> tuple[Tensor, Tensor]:
    """The entries of other images that each cell comes to, and their distances: [n, k] each."""
    device, size = bank.rows.device, len(bank)
    neighbours = min(neighbours, size)
    squares = bank.rows.square().sum(1)
    places: list[Tensor] = []
    distances: list[Tensor] = []
    for rows, owners in zip(cells.rows.split(_PART), cells.owners.split(_PART), strict=True):
        rows, owners = rows.to(device).float(), owners.to(device)
        is_own = owners[:, None] == bank.owners
        # An image that owns nearly all of a small bank has no other to be compared with.
        is_own &= (is_own.sum(1, keepdim=True) <= size - neighbours) & (owners[:, None] >= 0)
        ranks = (squares - 2 * rows @ bank.rows.T).masked_fill(is_own, torch.inf)
        places.append(ranks.topk(neighbours, dim=1, largest=False).indices)
        distances.append(distances_to(rows, bank.rows, places[-1]))
    return torch.cat(places), torch.cat(distances)


def some_cells(cells: Cells, most: int, generator: torch.Generator) -> Cells:
    """At most `most` of them, drawn."""
    return cells.at(torch.randperm(len(cells), generator=generator)[:most].to(cells.rows.device))
