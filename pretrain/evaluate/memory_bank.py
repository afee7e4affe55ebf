"""The memory bank: a coreset of normal cells, each with the distance that is usual there.

A bank must hold the rare normal cells too (an edge, a thread, a print): a random draw misses them, and a mean of many
erases them. Where normal cells are rare they also lie far from one another: the usual distances, taken from images that
do not own the entry, say how far, and scoring counts only what goes beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.evaluate.coreset import Cells, cells_of, draw_coreset, some_cells, visits
from pretrain.evaluate.nearest_normal import NearestNormal, local_excess, smooth_map
from pretrain.evaluate.ordinary import find_ordinary
from pretrain.evaluate.tap_banks import TapBanks

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


@dataclass(frozen=True)
class FittedBanks:
    """The banks, and the places [K] of the images that only say what is usual: none where there are few."""

    banks: TapBanks
    apart: Tensor


def fit_banks(
    taps: Sequence[Tensor],
    size: int,
    neighbours: int,
    generator: torch.Generator,
    device: torch.device | None = None,
    suspected_share: float = 0.0,
) -> FittedBanks:
    """A bank of at most `size` cells for each tap's maps [N, D, h, w] of the same normal images, on `device`.

    The suspected share of images that stand out most is left out: a coreset would choose their defects first. A quarter
    of the others says what is usual and gives the banks nothing; of few images each does both.
    """
    ordinary = find_ordinary(taps, suspected_share, generator, device)
    count = len(ordinary)
    order = ordinary[torch.randperm(count, generator=generator)]
    apart = count // 4 if count >= _ENOUGH_TO_SET_APART else 0
    nearest_normals, peaking, spreads = [], [], []
    for maps in taps:
        bank = draw_coreset(cells_of(maps[order[apart:]]), size, generator, device)
        judging = maps[order[:apart]] if apart else maps[order]
        # Of its own images, a bank knows the owners; of others it owns nothing.
        first_owner = -count if apart else 0
        judged = some_cells(cells_of(judging, first_owner), JUDGED_CELLS, generator)
        nearest = NearestNormal(bank.rows, neighbours, usual_distances(bank, judged, neighbours))
        nearest_normals.append(nearest)
        peaking.append(_map_strangers(bank, nearest, judging[:_PEAKING_IMAGES], first_owner))
        spreads.append(_peak_spread(peaking[-1]))
    banks = TapBanks(nearest_normals, torch.stack(spreads))
    banks.weigh(banks.weights, banks.in_units(peaking))
    return FittedBanks(banks, order[:apart])


def some_images(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """At most MOST_IMAGES of [N, ...], drawn: a bank needs no more, and memory holds their embeddings."""
    if len(pixels) <= MOST_IMAGES:
        return pixels
    return pixels[torch.randperm(len(pixels), generator=generator)[:MOST_IMAGES]]


def usual_distances(bank: Cells, cells: Cells, neighbours: int, prior: Tensor | None = None) -> Tensor:
    """For each entry of the bank, the mean distance at which normal cells of *other* images come to it, [M].

    `prior` [M] is what is believed of each before; None is the mean over all.
    """
    device, size = bank.rows.device, len(bank)
    places, distances = visits(bank, cells, neighbours)
    place, distance = places.flatten(), distances.flatten()
    total = torch.zeros(size, device=device).index_add_(0, place, distance)
    counts = torch.bincount(place, minlength=size)
    believed = distance.mean().expand(size) if prior is None else prior.to(device)
    usual: Tensor = (total + _PRIOR_COUNT * believed) / (counts + _PRIOR_COUNT)
    return usual


def _map_strangers(bank: Cells, nearest: NearestNormal, maps: Tensor, first_owner: int) -> Tensor:
    """The anomaly maps [N, h, w] of images [N, D, h, w], each by what the bank has of others."""
    places, distances = visits(bank, cells_of(maps, first_owner), nearest.neighbours)
    excess = distances.mean(1) - nearest.usual[:, 0][places].mean(1) + nearest.level
    return smooth_map(excess.view(len(maps), *maps.shape[-2:]))


def _peak_spread(maps: Tensor) -> Tensor:
    """By how much images differ in how far their maps [N, h, w] rise above the view's level."""
    peaks = local_excess(maps)
    # Of few images, the deviation may be small by chance.
    return peaks.std(correction=0).clamp_min(_LEAST_SPREAD * peaks.mean()).clamp_min(_ROUNDING)
