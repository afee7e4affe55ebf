"""All that runs on the line, as one module: normalisation, student, memory bank and both scores."""

from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map


class ScoringGraph(nn.Module):
    """uint8 [B, H, W, 3] to the outputs of `inspection.scoring.session.OUTPUTS`, in their order.

    The view's level, the median distance of its cells, says how unusual the whole view is: the global score. What cells
    have beyond that level is the anomaly map, and its peak the local score: a change of light lifts the level under all
    cells and leaves the map standing.
    """

    def __init__(self, student: nn.Module, nearest: NearestNormal) -> None:
        super().__init__()
        self.student = student
        self.nearest = nearest

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        embeddings = self.student(images.permute(0, 3, 1, 2).float() / 255).permute(0, 2, 3, 1)
        distances = smooth_map(self.nearest(embeddings))
        level = _median(distances.flatten(1))
        anomaly_map = distances - level[:, None, None]
        local_score = anomaly_map.flatten(1).amax(1)
        return anomaly_map, local_score, level, embeddings, embeddings.mean(dim=(1, 2))


def _median(rows: Tensor) -> Tensor:
    # The ONNX operators know no median: it is the last of the larger half.
    return rows.topk(rows.shape[1] // 2 + 1, dim=1, sorted=True).values[:, -1]
