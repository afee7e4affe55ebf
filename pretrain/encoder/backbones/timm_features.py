"""Any timm model that offers feature maps, cut off behind the deepest one asked for."""

from collections.abc import Sequence
from typing import Any, cast

import timm
import torch
from timm.models import FeatureInfo, PretrainedCfg
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import nn

from inspection.errors import ConfigError
from pretrain.encoder.backbones.backbone import Backbone

_TRIED_PX = 96


def timm_features(name: str, strides: Sequence[int], channels: int) -> Backbone:
    """The maps of `strides`, in rising order. Raises ConfigError for a model or a stride that is not there."""
    offered = _strides_of(name)
    if missing := [stride for stride in strides if stride not in offered]:
        raise ConfigError(f"encoder: {name} has no feature map of stride {missing[0]}", f"choose taps from {offered}")
    indices = tuple(offered.index(stride) for stride in strides)
    network: nn.Module = timm.create_model(
        name, pretrained=False, features_only=True, out_indices=indices, in_chans=channels
    )
    _cut_off(network)
    _try_out(name, network, channels)
    expected = timm.get_pretrained_cfg(name) or PretrainedCfg()
    widths = _information(network).channels()
    return Backbone(network, dict(zip(strides, widths, strict=True)), expected.mean, expected.std)


def _strides_of(name: str) -> list[int]:
    if not timm.is_model(name):
        raise ConfigError(f"encoder.backbone = {name!r}: unknown", "give a name of timm.list_models()")
    try:
        probe = timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError):
        raise ConfigError(f"encoder.backbone = {name!r}: offers no feature maps", "choose another backbone") from None
    if getattr(probe, "output_fmt", "NCHW") != "NCHW":
        raise ConfigError(f"encoder.backbone = {name!r}: its maps keep channels last", "choose another backbone")
    return cast(list[int], _information(probe).reduction())


@torch.no_grad()
def _try_out(name: str, network: nn.Module, channels: int) -> None:
    """Some transformers take images of one size alone: better told now than from within a training step."""
    try:
        network.eval()(torch.zeros(1, channels, _TRIED_PX, _TRIED_PX))
    except (RuntimeError, AssertionError, ValueError):
        raise ConfigError(
            f"encoder.backbone = {name!r}: does not take images of any size", "choose another backbone"
        ) from None
    network.train()


def _information(network: nn.Module) -> FeatureInfo:
    return cast(FeatureInfo, network.feature_info)


def _cut_off(network: nn.Module) -> None:
    """Take the stages away that no map needs. timm does so itself but for these two families."""
    if not isinstance(network, EfficientNetFeatures | MobileNetV3Features) or network.feature_hooks is not None:
        return
    deepest = max(cast(int, information["stage"]) for information in _information(network).get_dicts())
    network.blocks = network.blocks[:deepest]
    network.register_load_state_dict_pre_hook(_forget_deeper_stages)  # type: ignore[no-untyped-call]


def _forget_deeper_stages(network: nn.Module, tensors: dict[str, Any], prefix: str, *_: object) -> None:
    """Runs of earlier versions still hold the stages that are now cut off."""
    blocks = f"{prefix}blocks."
    kept = len(cast(nn.Sequential, network.blocks))
    for name in [name for name in tensors if name.startswith(blocks)]:
        number = name.removeprefix(blocks).partition(".")[0]
        if number.isdecimal() and int(number) >= kept:
            del tensors[name]
