"""All that runs on the line, as one module: normalisation, student, memory bank and both scores."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map


@dataclass(frozen=True)
class Scales:
    """The mean peak that a normal image has in the map of the bank, and in that of the flaw head."""

    bank: float
    flaw: float


class ScoringGraph(nn.Module):
    """uint8 [B, H, W, 3] to the outputs of `inspection.scoring.session.OUTPUTS`, in their order.

    The view's level, the median distance of its cells, says how unusual the whole view is: the global score. What cells
    have beyond that level is the anomaly map, and its peak the local score: a change of light lifts the level under all
    cells and leaves the map standing. With `scales`, the map is the sum of what the memory bank and the student's flaw
    head find, each in units of a normal image's peak: one sees what was never seen, the other what looks like a flaw.
    """

    def __init__(self, student: nn.Module, nearest: NearestNormal, scales: Scales | None = None) -> None:
        super().__init__()
        self.student = student
        self.nearest = nearest
        self.scales = scales

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        pixels = images.permute(0, 3, 1, 2).float() / 255
        if self.scales is None:
            embeddings = self.student(pixels).permute(0, 2, 3, 1)
            anomaly_map, level = self._beyond_level(self.nearest(embeddings))
        else:
            embeddings, of_bank, of_flaws, level = self.separate_maps(pixels)
            anomaly_map = of_bank / self.scales.bank + of_flaws / self.scales.flaw
        local_score = anomaly_map.flatten(1).amax(1)
        return anomaly_map, local_score, level, embeddings, embeddings.mean(dim=(1, 2))

    def separate_maps(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings [B, h, w, D], both maps [B, h, w] beyond their levels, and the bank's level, of [B, 3, H, W]."""
        answers, logits = self.student.answer(pixels)  # type: ignore[operator]
        embeddings = answers.permute(0, 2, 3, 1)
        of_bank, level = self._beyond_level(self.nearest(embeddings))
        return embeddings, of_bank, self._beyond_level(logits)[0], level

    @staticmethod
    def _beyond_level(values: Tensor) -> tuple[Tensor, Tensor]:
        smooth = smooth_map(values)
        level = _median(smooth.flatten(1))
        return smooth - level[:, None, None], level


@torch.inference_mode()
def measure_scales(graph: ScoringGraph, batches: tuple[Tensor, ...]) -> Scales:
    """Scales from normal images that the student has not learned from, batches of float [B, 3, S, S] in 0..1."""
    peaks = []
    for pixels in batches:
        _, of_bank, of_flaws, _ = graph.separate_maps(pixels)
        peaks.append(torch.stack([of_bank.flatten(1).amax(1), of_flaws.flatten(1).amax(1)]))
    bank, flaw = torch.cat(peaks, dim=1).mean(1).clamp_min(1e-6).tolist()
    return Scales(bank, flaw)


def _median(rows: Tensor) -> Tensor:
    # The ONNX operators know no median: it is the last of the larger half.
    return rows.topk(rows.shape[1] // 2 + 1, dim=1, sorted=True).values[:, -1]
