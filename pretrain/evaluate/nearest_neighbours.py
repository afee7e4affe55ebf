"""Weighted nearest neighbours: how well the closest features of a frozen encoder tell the class."""

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = 20
TEMPERATURE = 0.07
_ROWS_AT_ONCE = 1024


def knn_top1(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    *,
    neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> float:
    """Top-1 in percent on `test` [M, P]: the nearest of `train` [N, P] by cosine vote with exp(cosine / temperature).

    The vote of Wu et al. 2018 (section 3.4), with 20 neighbours as Caron et al. 2021 use. Labels are int64 from 0.
    """
    return 100 * float((vote(train, train_labels, test, neighbours, temperature) == test_labels).double().mean())


def vote(train: Tensor, train_labels: Tensor, test: Tensor, neighbours: int, temperature: float) -> Tensor:
    """The class of each row of `test` [M, P], int64 [M]."""
    bank = F.normalize(train.float(), dim=1).t().contiguous()
    classes = int(train_labels.max()) + 1
    chosen = []
    for rows in torch.split(test.float(), _ROWS_AT_ONCE):
        nearest = (F.normalize(rows, dim=1) @ bank).topk(min(neighbours, len(train)), dim=1)
        # Relative to the closest one: the largest weight is 1 at any temperature.
        weights = ((nearest.values - nearest.values[:, :1]) / temperature).exp()
        votes = weights.new_zeros(len(rows), classes).scatter_add_(1, train_labels[nearest.indices], weights)
        chosen.append(votes.argmax(dim=1))
    return torch.cat(chosen)
