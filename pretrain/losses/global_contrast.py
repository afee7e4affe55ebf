"""Global contrast: a view, whole or small, against the neighbour of another whole view's momentum embedding."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision


@in_full_precision
def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al. 2020, eq. 1) of paired embeddings [B, D]: a scalar.

    Each of the 2B rows must find its partner among the 2B - 1 others.
    """
    rows = F.normalize(torch.cat([first, second]).float(), dim=1)
    logits = rows @ rows.T / temperature
    logits.fill_diagonal_(float("-inf"))
    count = len(first)
    partners = torch.arange(2 * count, device=rows.device).roll(count)
    return F.cross_entropy(logits, partners)


def global_contrast(j1: Tensor, j3: Tensor, p1: Tensor, p3: Tensor, temperature: float) -> Tensor:
    """L_global = 1/2 [NT-Xent(j3, p1) + NT-Xent(j1, p3)] (Li, Long, Li 2023); gradient flows through p alone."""
    return (nt_xent(j3.detach(), p1, temperature) + nt_xent(j1.detach(), p3, temperature)) / 2


def small_contrast(j1: Tensor, j3: Tensor, small: Tensor, temperature: float) -> Tensor:
    """Multi-crop (Caron et al. 2020): each of n small views' predictions p [n, B, D] against both neighbours.

    L_small = 1/2n sum over n small views [NT-Xent(j1, p) + NT-Xent(j3, p)]; gradient flows through p alone.
    """
    terms = [nt_xent(j.detach(), p, temperature) for p in small for j in (j1, j3)]
    return torch.stack(terms).mean()
