"""Dense local contrast: grid cells of two views that show the same place attract, all other cells repel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision

_CELLS_PER_VIEW = 32


@in_full_precision
def dense_contrast(
    first: Tensor,
    second: Tensor,
    placements: tuple[Tensor, Tensor],
    temperature: float,
    generator: torch.Generator,
) -> Tensor:
    """InfoNCE over matched cells of two views' dense maps [B, D, h, w]; a scalar, 0 where no view overlaps.

    A cell's match is found from the crop geometry: its centre is carried to the image by the first placement [B, 2, 3]
    and into the second view by the inverse of the other, where the second map is read between its cells.
    """
    count, _, height, width = first.shape
    # Each cell once at most: its double would be a wrong negative.
    order = torch.rand(count, height * width, generator=generator).argsort(dim=1)
    cells = order[:, :_CELLS_PER_VIEW].to(first.device)
    centres = cell_centres(height, width, first.device)[cells]
    matches = carry(centres, *placements)
    seen = (matches.abs() <= 1).all(-1)
    if not bool(seen.any()):
        return first.sum() * 0
    queries = first.flatten(2).transpose(1, 2).gather(1, cells[..., None].expand(-1, -1, first.shape[1]))
    keys = F.grid_sample(second.detach().float(), matches[:, None], align_corners=False)[:, :, 0].transpose(1, 2)
    queries, keys = F.normalize(queries[seen].float(), dim=1), F.normalize(keys[seen].float(), dim=1)
    logits = queries @ keys.T / temperature
    return F.cross_entropy(logits, torch.arange(len(queries), device=logits.device))


def cell_centres(height: int, width: int, device: torch.device) -> Tensor:
    """Centres (x, y) of a grid's cells in -1..1, [height * width, 2], in reading order."""
    y = (torch.arange(height, device=device) + 0.5) * 2 / height - 1
    x = (torch.arange(width, device=device) + 0.5) * 2 / width - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)


def carry(points: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Points [B, N, 2] of the source view in coordinates of the target view, both given by placements [B, 2, 3]."""
    in_image = points @ source[:, :, :2].transpose(1, 2) + source[:, None, :, 2]
    shifted = in_image - target[:, None, :, 2]
    carried: Tensor = shifted @ torch.linalg.inv(target[:, :, :2]).transpose(1, 2)
    return carried
