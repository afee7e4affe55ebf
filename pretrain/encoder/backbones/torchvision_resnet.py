"""torchvision's residual networks (He et al. 2016; wide: Zagoruyko and Komodakis 2016), cut to what is needed."""

from collections.abc import Sequence
from typing import Any, Literal

import torchvision
from torch import Tensor, nn

from inspection.errors import ConfigError
from pretrain.encoder.backbones.backbone import Backbone

RESNETS = ("resnet18", "resnet34", "resnet50", "wide_resnet50_2")

Stem = Literal["imagenet", "cifar"]
# Where two maps share a stride, the later one is meant: the CIFAR stem's own is never tapped.
_STAGE_OF_STRIDE = {"imagenet": {2: 0, 4: 1, 8: 2, 16: 3, 32: 4}, "cifar": {1: 1, 2: 2, 4: 3, 8: 4}}
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNetStages(nn.Module):
    """The stem (stage 0) and the stages up to the deepest one asked for, under torchvision's own names."""

    def __init__(self, name: str, stages: Sequence[int], stem: Stem, channels: int) -> None:
        super().__init__()
        whole: Any = torchvision.models.get_model(name, weights=None)
        self.stages = tuple(stages)
        self.conv1 = _first_convolution(whole.conv1, stem, channels)
        self.bn1, self.relu = whole.bn1, whole.relu
        self.maxpool = whole.maxpool if stem == "imagenet" else nn.Identity()
        for number in range(1, max(stages) + 1):
            self.add_module(f"layer{number}", getattr(whole, f"layer{number}"))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised images [B, C, H, W] to the maps of the stages asked for, finest first."""
        features = self.relu(self.bn1(self.conv1(images)))
        maps = [features] if 0 in self.stages else []
        features = self.maxpool(features)
        for number in range(1, max(self.stages) + 1):
            features = getattr(self, f"layer{number}")(features)
            if number in self.stages:
                maps.append(features)
        return maps

    def widths(self) -> list[int]:
        """Channels of the maps, in their order."""
        return [_channels(getattr(self, f"layer{number}") if number else self.conv1) for number in self.stages]


def torchvision_resnet(name: str, strides: Sequence[int], stem: Stem, channels: int) -> Backbone:
    """The maps of `strides`, in rising order, from one of RESNETS. Raises ConfigError for a stride it has not."""
    stage_of_stride = _STAGE_OF_STRIDE[stem]
    if missing := [stride for stride in strides if stride not in stage_of_stride]:
        raise ConfigError(
            f"encoder: {name} with stem {stem} has no feature map of stride {missing[0]}",
            f"choose taps from {list(stage_of_stride)}",
        )
    network = ResNetStages(name, [stage_of_stride[stride] for stride in strides], stem, channels)
    return Backbone(network, dict(zip(strides, network.widths(), strict=True)), _IMAGENET_MEAN, _IMAGENET_DEVIATION)


def _first_convolution(published: nn.Conv2d, stem: Stem, channels: int) -> nn.Conv2d:
    if stem == "imagenet" and channels == published.in_channels:
        return published
    kernel, step, rim = (7, 2, 3) if stem == "imagenet" else (3, 1, 1)
    made = nn.Conv2d(channels, published.out_channels, kernel, stride=step, padding=rim, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made


def _channels(part: nn.Module) -> int:
    """Channels that leave a stage: those of its last convolution."""
    return [layer.out_channels for layer in part.modules() if isinstance(layer, nn.Conv2d)][-1]
