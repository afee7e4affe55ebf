"""The teacher: a pretrained encoder whose patch embeddings are brought to the student's width."""

import torch
from torch import Tensor, nn

from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import map_in_batches

_FITTED_IMAGES, _FITTED_CELLS = 128, 50_000


class Teacher(nn.Module):
    """Images float [B, 3, S, S] in 0..1 to targets [B, width, h, w].

    Principal components of the encoder's patch embeddings, all divided by one deviation: distances between targets rank
    as distances between embeddings do, less what little variance the dropped components held.
    """

    components: Tensor
    centre: Tensor
    deviation: Tensor

    def __init__(self, encoder: Encoder, width: int) -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.width = min(width, encoder.width)
        self.register_buffer("components", torch.eye(encoder.width)[: self.width])
        self.register_buffer("centre", torch.zeros(encoder.width))
        self.register_buffer("deviation", torch.ones(()))

    @torch.no_grad()
    def fit(self, pixels: Tensor, generator: torch.Generator) -> float:
        """Find the components on uint8 [N, S, S, 3]; returns the share of variance they keep."""
        chosen = torch.randperm(len(pixels), generator=generator)[:_FITTED_IMAGES]
        maps = map_in_batches(self.encoder.patch_embeddings, pixels[chosen], self.centre.device)
        cells = maps.permute(0, 2, 3, 1).flatten(0, 2)
        cells = cells[torch.randperm(len(cells), generator=generator)[:_FITTED_CELLS]].to(self.centre.device).float()
        self.centre.copy_(cells.mean(0))
        variances, directions = torch.linalg.eigh(torch.cov((cells - self.centre).T))
        self.components.copy_(directions.flip(1)[:, : self.width].T)
        kept = variances.flip(0)[: self.width].clamp_min(0)
        # Images without any content have no deviation; their targets are zeros then, not a division by zero.
        self.deviation.copy_(kept.mean().clamp_min(1e-12).sqrt())
        return float(kept.sum() / variances.clamp_min(0).sum().clamp_min(1e-12))

    def forward(self, images: Tensor) -> Tensor:
        embeddings = self.encoder.patch_embeddings(images) - self.centre[:, None, None]
        return torch.einsum("kd,bdhw->bkhw", self.components, embeddings) / self.deviation
