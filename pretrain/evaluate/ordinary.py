"""Which of many unlabeled images are like the others: a defect among them must not become part of what is normal.

How many are suspected is for a person to say. Normal images stand out too, and a bank without them calls their like
defects: on clean images every share left out costs (docs/experiment-log.md).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pretrain.evaluate.coreset import cells_of, draw_coreset, visits
from pretrain.evaluate.nearest_normal import local_excess, smooth_map

_BANK_SIZE = 2048


def find_ordinary(
    taps: Sequence[Tensor], suspected_share: float, generator: torch.Generator, device: torch.device | None = None
) -> Tensor:
    """Places [K] of all images but the suspected share that stands out most, of each tap's maps [N, D, h, w].

    An image's mark is the peak of its distances to a coreset of all images but itself, in the mean over the taps but
    the finest: coarse cells know a defect as well, and are few.
    """
    count = len(taps[0])
    kept = max(count - round(suspected_share * count), 1)
    if kept == count:
        return torch.arange(count)
    marks = torch.stack([_standing_out(maps, generator, device) for maps in taps[1:] or taps]).mean(0)
    return marks.argsort(stable=True)[:kept].sort().values


def _standing_out(maps: Tensor, generator: torch.Generator, device: torch.device | None) -> Tensor:
    """How far beyond the median each image peaks, in distances between the quartiles, [N]."""
    cells = cells_of(maps)
    bank = draw_coreset(cells, _BANK_SIZE, generator, device)
    _, distances = visits(bank, cells, 1)
    peaks = local_excess(smooth_map(distances.view(len(maps), *maps.shape[-2:]))).cpu()
    low, middle, high = peaks.quantile(torch.tensor([0.25, 0.5, 0.75]))
    marks: Tensor = (peaks - middle) / (high - low).clamp_min(1e-6)
    return marks
