"""All that runs on the line, as one module: normalisation, student, memory bank and both scores."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import smooth_map
from pretrain.evaluate.tap_banks import TapBanks
from pretrain.evaluate.tap_embedder import join_taps


@dataclass(frozen=True)
class Scales:
    """The mean peak that a normal image has in the map of the bank, and in that of the flaw head."""

    bank: float
    flaw: float


class ScoringGraph(nn.Module):
    """uint8 [B, H, W, 3] to the outputs of `inspection.scoring.session.OUTPUTS`, in their order.

    The view's level, the median distance of its cells, says how unusual the whole view is: the global score. What cells
    have beyond that level is the anomaly map, and its peak the local score: a change of light lifts the level under all
    cells and leaves the map standing. With `scales`, the map is the sum of what the memory banks and the student's flaw
    head find, each in units of a normal image's peak: one sees what was never seen, the other what looks like a flaw.
    """

    def __init__(self, student: nn.Module, banks: TapBanks, scales: Scales | None = None) -> None:
        super().__init__()
        self.student = student
        self.banks = banks
        self.scales = scales

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        pixels = images.permute(0, 3, 1, 2).float() / 255
        if self.scales is None:
            taps = self.student(pixels)
            anomaly_map, level = _beyond_level(self.banks(taps))
        else:
            taps, of_bank, of_flaws, level = self.separate_maps(pixels)
            anomaly_map = of_bank / self.scales.bank + of_flaws / self.scales.flaw
        local_score = anomaly_map.flatten(1).amax(1)
        view = torch.cat([maps.mean(dim=(2, 3)) for maps in taps], dim=1)
        return anomaly_map, local_score, level, _patch_embeddings(taps), view

    def separate_maps(self, pixels: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor, Tensor]:
        """Cells of each tap, both maps [B, h, w] beyond their levels, and the banks' level, of [B, 3, H, W]."""
        taps, logits = self.student.answer(pixels)  # type: ignore[operator]
        of_bank, level = _beyond_level(self.banks(taps))
        return taps, of_bank, _beyond_level(smooth_map(logits))[0], level


@torch.inference_mode()
def measure_scales(graph: ScoringGraph, batches: tuple[Tensor, ...]) -> Scales:
    """Scales from normal images that the student has not learned from, batches of float [B, 3, S, S] in 0..1."""
    peaks = []
    for pixels in batches:
        _, of_bank, of_flaws, _ = graph.separate_maps(pixels)
        peaks.append(torch.stack([of_bank.flatten(1).amax(1), of_flaws.flatten(1).amax(1)]))
    bank, flaw = torch.cat(peaks, dim=1).mean(1).clamp_min(1e-6).tolist()
    return Scales(bank, flaw)


def _beyond_level(smooth: Tensor) -> tuple[Tensor, Tensor]:
    level = _median(smooth.flatten(1))
    return smooth - level[:, None, None], level


def _patch_embeddings(taps: tuple[Tensor, ...]) -> Tensor:
    # At the resolution of the middle one: fine enough to describe a region, and a quarter of the finest's memory.
    return join_taps(taps, at=len(taps) // 2).permute(0, 2, 3, 1)


def _median(rows: Tensor) -> Tensor:
    # The ONNX operators know no median: it is the last of the larger half.
    return rows.topk(rows.shape[1] // 2 + 1, dim=1, sorted=True).values[:, -1]
