"""The networks of two published detectors, with random weights: only their cost is of interest here."""

import timm
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTH = 384


class PatchDescription(nn.Module):
    """EfficientAD-S's patch description network, image [B, 3, H, W] to [B, 384, H / 4, W / 4] (Batzner et al. 2024,
    table 6)."""

    def __init__(self, width: int = _WIDTH) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 128, 4, padding=3)
        self.second = nn.Conv2d(128, 256, 4, padding=3)
        self.third = nn.Conv2d(256, 256, 3, padding=1)
        self.last = nn.Conv2d(256, width, 4)

    def forward(self, images: Tensor) -> Tensor:
        x = F.avg_pool2d(F.relu(self.first(images)), 2, 2, padding=1)
        x = F.avg_pool2d(F.relu(self.second(x)), 2, 2, padding=1)
        answer: Tensor = self.last(F.relu(self.third(x)))
        return answer


class WideResNetToLayer3(nn.Module):
    """PatchCore's backbone, image [B, 3, H, W] to the maps of stride 8 and 16 (Roth et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = timm.create_model("wide_resnet50_2", pretrained=False, features_only=True, out_indices=(2, 3))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.maps(images))
