"""The encoder: a backbone with taps. What survives training."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inspection.errors import ConfigError
from pretrain.encoder.backbones.backbone import Backbone
from pretrain.encoder.backbones.timm_features import timm_features
from pretrain.encoder.backbones.torchvision_resnet import RESNETS, torchvision_resnet
from pretrain.encoder.luminance import luminance
from pretrain.recipe import EncoderRecipe


class Encoder(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to patch embeddings and to one vector for the whole view.

    An encoder without colour works on their luminance, and takes [B, 1, H, W] just as well.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, recipe: EncoderRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.has_start_weights = False
        """Set by `load_start_weights`. What holds on to a start does so only where there is one."""
        built = _build_backbone(recipe)
        self.backbone: nn.Module = built.network
        self._order = list(built.widths)
        self.tap_widths = tuple(built.widths[stride] for stride in recipe.taps)
        self.width = sum(self.tap_widths)
        self.pooled_width = built.widths[recipe.pooled_tap]
        self.colour_mean, self.colour_deviation = torch.tensor(built.mean), torch.tensor(built.deviation)
        own = [self.colour_mean, self.colour_deviation]
        mean, deviation = own if recipe.colour else [values.mean(0, keepdim=True) for values in own]
        self.register_buffer("mean", mean.view(1, -1, 1, 1))
        self.register_buffer("deviation", deviation.view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Both at once: patch embeddings [B, D, h, w] and the pooled vector [B, P]."""
        maps = self.feature_maps(images)
        return self._embed(maps), maps[self.recipe.pooled_tap].mean(dim=(2, 3))

    def as_seen(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] less what the backbone has no use for: themselves, or their luminance [B, 1, H, W]."""
        return images if self.recipe.colour else luminance(images)

    def feature_maps(self, images: Tensor) -> dict[int, Tensor]:
        """Feature maps by stride."""
        normalised = (self.as_seen(images) - self.mean) / self.deviation
        return dict(zip(self._order, self.backbone(normalised), strict=True))

    def patch_embeddings(self, images: Tensor) -> Tensor:
        """What training compares, [B, D, h, w] at the resolution of the finest tap: taps smoothed, of unit length,
        coarser ones enlarged."""
        return self._embed(self.feature_maps(images))

    def smoothed_taps(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps of the taps, each at its own resolution: [B, D, h, w], averaged over each cell's neighbourhood."""
        maps = self.feature_maps(images)
        return tuple(_smooth(maps[stride]) for stride in self.recipe.taps)

    def pooled(self, images: Tensor) -> Tensor:
        """The whole view as one vector, [B, P]."""
        return self.feature_maps(images)[self.recipe.pooled_tap].mean(dim=(2, 3))

    def train(self, mode: bool = True) -> "Encoder":
        super().train(mode)
        if self.recipe.freeze_batch_norm and self.has_start_weights:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def _embed(self, maps: dict[int, Tensor]) -> Tensor:
        size = maps[self.recipe.taps[0]].shape[-2:]
        taps = []
        for stride in self.recipe.taps:
            # Unit length tap by tap: no tap outweighs another, and stronger light is no stronger feature.
            unit = F.normalize(_smooth(maps[stride]), dim=1)
            if stride != self.recipe.taps[0]:
                unit = F.interpolate(unit, size=size, mode="bilinear", align_corners=False)
            taps.append(unit)
        return torch.cat(taps, dim=1)


def _smooth(features: Tensor) -> Tensor:
    # The neighbourhood's mean makes an embedding tolerant of a pixel's shift (Roth et al. 2022, eq. 2).
    return F.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)


def _build_backbone(recipe: EncoderRecipe) -> Backbone:
    strides = sorted({*recipe.taps, recipe.pooled_tap})
    channels = 3 if recipe.colour else 1
    if recipe.backbone in RESNETS:
        return torchvision_resnet(recipe.backbone, strides, recipe.stem, channels)
    if recipe.stem != "imagenet":
        raise ConfigError(
            f"encoder.stem = {recipe.stem!r}: {recipe.backbone} has no other stem than its own",
            f"choose one of {', '.join(RESNETS)}, or leave encoder.stem out",
        )
    return timm_features(recipe.backbone, strides, channels)
