"""Past momentum embeddings, in which a nearest neighbour stands in for the view itself (NNCLR, Dwibedi et al. 2021)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrain.precision import in_full_precision


class NeighbourQueue(nn.Module):
    """The last `length` momentum embeddings, normalised, first in first out. Part of the checkpoint."""

    entries: Tensor
    position: Tensor

    def __init__(self, length: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("entries", F.normalize(torch.randn(length, width, generator=generator), dim=1))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    @in_full_precision
    def nearest(self, embeddings: Tensor) -> Tensor:
        """The entry most similar to each of [B, D], normalised; ties go to the first."""
        similarity = F.normalize(embeddings.float(), dim=1) @ self.entries.T
        return self.entries[similarity.argmax(dim=1)]

    @torch.no_grad()
    def push(self, embeddings: Tensor) -> None:
        """Put [B, D] in the place of the oldest entries."""
        length = len(self.entries)
        fresh = F.normalize(embeddings.float(), dim=1)[-length:]
        places = (self.position + torch.arange(len(fresh), device=fresh.device)) % length
        self.entries[places] = fresh
        self.position.copy_((self.position + len(fresh)) % length)
