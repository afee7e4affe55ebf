"""Preservation: a warm start keeps what it knew about edges while it learns the part."""

import torch.nn.functional as F
from torch import Tensor


def preservation(embeddings: Tensor, at_start: Tensor) -> Tensor:
    """Mean of 1 - cosine between patch embeddings [B, D, h, w] now and under the start weights. A scalar."""
    return (1 - F.cosine_similarity(embeddings.float(), at_start.detach().float(), dim=1)).mean()
