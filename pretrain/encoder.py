"""The encoder: a backbone with taps. What survives training."""

import re
import struct
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import timm
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import FeatureInfo, PretrainedCfg
from torch import Tensor, nn

from inspection.errors import ConfigError, TrainingError
from pretrain.recipe import EncoderRecipe

# The unpickler of plain tensors stumbles over damaged bytes in all these ways.
_UNREADABLE = (
    SafetensorError,
    UnpicklingError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
)


class Encoder(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to patch embeddings and to one vector for the whole view."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, recipe: EncoderRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        strides = _strides_of(recipe.backbone)
        wanted = sorted({*recipe.taps, recipe.pooled_tap})
        if missing := [stride for stride in wanted if stride not in strides]:
            raise ConfigError(
                f"encoder: {recipe.backbone} has no feature map of stride {missing[0]}", f"choose taps from {strides}"
            )
        indices = tuple(strides.index(stride) for stride in wanted)
        self.backbone: nn.Module = timm.create_model(
            recipe.backbone, pretrained=False, features_only=True, out_indices=indices
        )
        feature_info = cast(FeatureInfo, self.backbone.feature_info)
        widths = dict(zip(wanted, feature_info.channels(), strict=True))
        self._order = wanted
        self.width = sum(widths[stride] for stride in recipe.taps)
        self.pooled_width = widths[recipe.pooled_tap]
        # What published weights of this backbone expect of their input.
        expected = timm.get_pretrained_cfg(recipe.backbone) or PretrainedCfg()
        self.register_buffer("mean", torch.tensor(expected.mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(expected.std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Both at once: patch embeddings [B, D, h, w] and the pooled vector [B, P]."""
        maps = self.feature_maps(images)
        return self._embed(maps), maps[self.recipe.pooled_tap].mean(dim=(2, 3))

    def feature_maps(self, images: Tensor) -> dict[int, Tensor]:
        """Feature maps by stride."""
        normalised = (images - self.mean) / self.deviation
        return dict(zip(self._order, self.backbone(normalised), strict=True))

    def patch_embeddings(self, images: Tensor) -> Tensor:
        """[B, D, h, w] at the finest tap's resolution: taps smoothed, of unit length, coarser ones enlarged."""
        return self._embed(self.feature_maps(images))

    def pooled(self, images: Tensor) -> Tensor:
        """The whole view as one vector, [B, P]."""
        return self.feature_maps(images)[self.recipe.pooled_tap].mean(dim=(2, 3))

    def train(self, mode: bool = True) -> "Encoder":
        super().train(mode)
        if self.recipe.freeze_batch_norm:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def _embed(self, maps: dict[int, Tensor]) -> Tensor:
        size = maps[self.recipe.taps[0]].shape[-2:]
        taps = []
        for stride in self.recipe.taps:
            # The neighbourhood's mean makes an embedding tolerant of a pixel's shift (Roth et al. 2022, eq. 2).
            smooth = F.avg_pool2d(maps[stride], 3, stride=1, padding=1, count_include_pad=False)
            # Unit length tap by tap: no tap outweighs another, and stronger light is no stronger feature.
            unit = F.normalize(smooth, dim=1)
            if unit.shape[-2:] != size:
                unit = F.interpolate(unit, size=size, mode="bilinear", align_corners=False)
            taps.append(unit)
        return torch.cat(taps, dim=1)


def load_start_weights(encoder: Encoder, path: Path) -> int:
    """Load a local state dict into the backbone, by name or, where all names differ, in order; returns tensors loaded.

    Takes .safetensors and torch files of plain tensors (`weights_only`: no pickled code runs). Raises TrainingError.
    """
    source = _read_state_dict(path)
    target = encoder.backbone.state_dict()
    matched = _match_by_name(source, target) or _match_in_order(source, target)
    if not matched:
        raise TrainingError(
            f"{path}: its tensors fit no {encoder.recipe.backbone}", "give weights of the recipe's backbone"
        )
    encoder.backbone.load_state_dict({**target, **matched})
    return len(matched)


def _read_state_dict(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise TrainingError(f"{path}: no such file", "give a local weights file to --init")
    try:
        values: object = load_file(path) if path.suffix == ".safetensors" else _load_plain_tensors(path)
    except _UNREADABLE as error:
        plain = "no plain tensors" if isinstance(error, UnpicklingError) else str(error).partition("\n")[0][:120]
        raise TrainingError(
            f"{path}: not a weights file ({plain or type(error).__name__})", "give a .safetensors or torch state dict"
        ) from None
    if isinstance(values, dict):
        values = values.get("state_dict", values)
    entries = values.items() if isinstance(values, dict) else ()
    tensors = {name: value for name, value in entries if isinstance(name, str) and isinstance(value, Tensor)}
    if broken := next((name for name, value in tensors.items() if not bool(torch.isfinite(value).all())), None):
        raise TrainingError(f"{path}: {broken} holds values that are not finite", "restore the weights file")
    return tensors


def _load_plain_tensors(path: Path) -> object:
    with warnings.catch_warnings():
        # torch muses about the pickles of files that are none; what is wrong with them is told in one line.
        warnings.simplefilter("ignore", UserWarning)
        loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def _match_by_name(source: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    plain = {re.sub(r"^(module\.|backbone\.|encoder\.)+", "", name): value for name, value in source.items()}
    fits = {name: plain[name] for name in target if name in plain and plain[name].shape == target[name].shape}
    weights = [name for name in target if not name.endswith("num_batches_tracked")]
    return fits if all(name in fits for name in weights) else {}


def _match_in_order(source: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """The backbone's tensors as the first ones of the source, shape by shape: the same network under other names."""
    offered = [value for name, value in source.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in target if not name.endswith("num_batches_tracked")]
    pairs = list(zip(names, offered, strict=False))
    fits = len(offered) >= len(names) and all(target[name].shape == value.shape for name, value in pairs)
    return dict(pairs) if fits else {}


def _strides_of(backbone: str) -> list[int]:
    if not timm.is_model(backbone):
        raise ConfigError(f"encoder.backbone = {backbone!r}: unknown", "give a name of timm.list_models()")
    try:
        probe = timm.create_model(backbone, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError):
        raise ConfigError(
            f"encoder.backbone = {backbone!r}: offers no feature maps", "choose another backbone"
        ) from None
    return cast(list[int], cast(FeatureInfo, probe.feature_info).reduction())
