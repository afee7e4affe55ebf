"""What a frozen encoder takes for normal: learned from normal images, asked for anomaly maps."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input, taps_in_batches
from pretrain.evaluate.memory_bank import fit_banks
from pretrain.evaluate.tap_banks import TapBanks
from pretrain.evaluate.tap_embedder import TapEmbedder

_NEIGHBOURS = 1


@dataclass(frozen=True)
class Normality:
    """An encoder's cells, and one or several draws of the memory banks that judge them."""

    embedder: TapEmbedder
    draws: tuple[TapBanks, ...]

    @torch.inference_mode()
    def map_anomalies(self, images: Iterable[Tensor]) -> Tensor:
        """Anomaly maps float [R, N, h, w] by R draws, of images uint8 [S, S, 3] each.

        One by one: the distances of a batch fill the memory.
        """
        device = self.embedder.typical.device
        maps = []
        for image in images:
            cells = self.embedder(as_input(image[None], device))
            maps.append(torch.cat([banks(cells).cpu() for banks in self.draws]))
        return torch.stack(maps, dim=1)


def learn_normality(
    encoder: Encoder, normal: Tensor, bank_size: int, generator: torch.Generator, draws: int = 1
) -> Normality:
    """Fit embedder and banks to normal images, uint8 [N, S, S, 3]."""
    embedder = TapEmbedder(encoder)
    device = embedder.typical.device
    embedder.fit(normal, generator)
    taps = taps_in_batches(embedder, normal, device)
    fitted = [fit_banks(taps, bank_size, _NEIGHBOURS, generator, device) for _ in range(draws)]
    return Normality(embedder, tuple(one.banks for one in fitted))
