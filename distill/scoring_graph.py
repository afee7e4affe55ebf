"""All that runs on the line, as one module: normalisation, student, memory bank and both scores."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import beyond_level, local_excess, smooth_map
from pretrain.evaluate.tap_banks import TapBanks
from pretrain.evaluate.tap_embedder import join_taps


@dataclass(frozen=True)
class Scales:
    """The mean peak that a normal image has in the map of the bank, and in that of the flaw head."""

    bank: float
    flaw: float


class ScoringGraph(nn.Module):
    """uint8 [B, H, W, 3] to the outputs of `inspection.scoring.session.OUTPUTS`, in their order.

    The mean distance of a view's cells says how unusual the whole view is: the global score. What cells have beyond the
    view's level, or beyond the level of usual views, is the anomaly map, and its peak the local score: a change of
    light lifts the level under all cells and leaves the map standing. With `scales`, the map is the sum of what the
    memory banks and the student's flaw head find, each in units of a normal image's peak: one sees what was never seen,
    the other what looks like a flaw.
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
            of_bank = self.banks(taps)
            anomaly_map = beyond_level(of_bank, self.banks.usual_level)
        else:
            taps, of_bank, of_flaws = self.separate_maps(pixels)
            anomaly_map = beyond_level(of_bank) / self.scales.bank + beyond_level(of_flaws) / self.scales.flaw
        local_score = anomaly_map.flatten(1).amax(1)
        view = torch.cat([maps.mean(dim=(2, 3)) for maps in taps], dim=1)
        global_score = of_bank.mean(dim=(1, 2))
        return anomaly_map, local_score, global_score, _patch_embeddings(taps), view

    def separate_maps(self, pixels: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
        """Cells of each tap, the banks' map and the flaw head's, [B, h, w], of [B, 3, H, W]."""
        taps, logits = self.student.answer(pixels)  # type: ignore[operator]
        return taps, self.banks(taps), smooth_map(logits)


@torch.inference_mode()
def measure_scales(graph: ScoringGraph, batches: tuple[Tensor, ...]) -> Scales:
    """Scales from normal images that the student has not learned from, batches of float [B, 3, S, S] in 0..1."""
    peaks = []
    for pixels in batches:
        _, of_bank, of_flaws = graph.separate_maps(pixels)
        peaks.append(torch.stack([local_excess(of_bank), local_excess(of_flaws)]))
    bank, flaw = torch.cat(peaks, dim=1).mean(1).clamp_min(1e-6).tolist()
    return Scales(bank, flaw)


def _patch_embeddings(taps: tuple[Tensor, ...]) -> Tensor:
    # At the resolution of the first look's middle tap: fine enough to describe a region, and a quarter of the finest's
    # memory.
    return join_taps(taps, at=(len(taps) - 1) // 2).permute(0, 2, 3, 1)
