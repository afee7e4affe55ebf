"""The memory bank: a coreset of normal cells, each with the distance that is usual there.

A bank must hold the rare normal cells too (an edge, a thread, a print): a random draw misses them, and a mean of many
erases them. Where normal cells are rare they also lie far from one another: the usual distances, taken from images that
do not own the entry, say how far, and scoring counts only what goes beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.evaluate.nearest_normal import NearestNormal, distances_to, smooth_map
from pretrain.evaluate.tap_banks import TapBanks

_CANDIDATES = 24_000
_PROJECTED_WIDTH = 48
MOST_IMAGES = 1024
"""More than hold the candidates many times over, and soon embedded."""
JUDGED_CELLS = 60_000
"""Enough for a dozen visits to each of some thousand entries."""
_ENOUGH_TO_SET_APART = 40
_PRIOR_COUNT = 20.0
"""So many cells at the overall mean are taken to have come to every entry, so that few visits do not say much."""
_PEAKING_IMAGES = 64
_LEAST_SPREAD = 0.1
"""Of the mean peak."""
_ROUNDING = 0.01
"""Of distances between cells of deviation 1: no unit is smaller."""
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


def fit_banks(
    taps: Sequence[Tensor],
    size: int,
    neighbours: int,
    generator: torch.Generator,
    device: torch.device | None = None,
) -> TapBanks:
    """A bank of at most `size` cells for each tap's maps [N, D, h, w] of the same normal images, on `device`.

    A quarter of the images says what is usual and gives the banks nothing; of few images each does both.
    """
    count = len(taps[0])
    order = torch.randperm(count, generator=generator)
    apart = count // 4 if count >= _ENOUGH_TO_SET_APART else 0
    banks, spreads = [], []
    for maps in taps:
        bank = draw_coreset(cells_of(maps[order[apart:]]), size, generator, device)
        judging = maps[order[:apart]] if apart else maps[order]
        # Of its own images, a bank knows the owners; of others it owns nothing.
        first_owner = -count if apart else 0
        judged = some_cells(cells_of(judging, first_owner), JUDGED_CELLS, generator)
        nearest = NearestNormal(bank.rows, neighbours, usual_distances(bank, judged, neighbours))
        banks.append(nearest)
        spreads.append(_peak_spread(bank, nearest, judging[:_PEAKING_IMAGES], first_owner))
    return TapBanks(banks, torch.stack(spreads))


def some_images(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """At most MOST_IMAGES of [N, ...], drawn: a bank needs no more, and memory holds their embeddings."""
    if len(pixels) <= MOST_IMAGES:
        return pixels
    return pixels[torch.randperm(len(pixels), generator=generator)[:MOST_IMAGES]]


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


def usual_distances(bank: Cells, cells: Cells, neighbours: int, prior: Tensor | None = None) -> Tensor:
    """For each entry of the bank, the mean distance at which normal cells of *other* images come to it, [M].

    `prior` [M] is what is believed of each before; None is the mean over all.
    """
    device, size = bank.rows.device, len(bank)
    places, distances = _visits(bank, cells, neighbours)
    place, distance = places.flatten(), distances.flatten()
    total = torch.zeros(size, device=device).index_add_(0, place, distance)
    visits = torch.bincount(place, minlength=size)
    believed = distance.mean().expand(size) if prior is None else prior.to(device)
    usual: Tensor = (total + _PRIOR_COUNT * believed) / (visits + _PRIOR_COUNT)
    return usual


def _visits(bank: Cells, cells: Cells, neighbours: int) -> tuple[Tensor, Tensor]:
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


def _peak_spread(bank: Cells, nearest: NearestNormal, maps: Tensor, first_owner: int) -> Tensor:
    """By how much the images of `maps` [N, D, h, w] differ in how far their anomaly maps rise above the median."""
    places, distances = _visits(bank, cells_of(maps, first_owner), nearest.neighbours)
    excess = distances.mean(1) - nearest.usual[:, 0][places].mean(1)
    flat = smooth_map(excess.view(len(maps), *maps.shape[-2:])).flatten(1)
    peaks = flat.amax(1) - flat.median(1).values
    # Of few images, the deviation may be small by chance.
    return peaks.std(correction=0).clamp_min(_LEAST_SPREAD * peaks.mean()).clamp_min(_ROUNDING)


def some_cells(cells: Cells, most: int, generator: torch.Generator) -> Cells:
    """At most `most` of them, drawn."""
    return cells.at(torch.randperm(len(cells), generator=generator)[:most].to(cells.rows.device))
