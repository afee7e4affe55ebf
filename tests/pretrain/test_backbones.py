"""Backbones: no deeper than asked for, the same as published networks, and with a stem for small images."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from pretrain.encoder.backbones.timm_features import timm_features
from pretrain.encoder.backbones.torchvision_resnet import RESNETS, torchvision_resnet


def images(side_px: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", RESNETS)
@torch.no_grad()
def test_torchvisions_maps_are_those_of_timms_reading_of_the_same_weights(name: str) -> None:
    # A second derivation of the same paper: timm's own code, and its own knowledge of which map has which stride.
    network = torchvision_resnet(name, [2, 8, 16], "imagenet", 3).network.eval()
    other = timm.create_model(name, pretrained=False, features_only=True, out_indices=(0, 2, 3)).eval()
    other.load_state_dict(network.state_dict())
    for mine, its in zip(network(images()), other(images()), strict=True):
        assert torch.allclose(mine, its, atol=1e-5)


@pytest.mark.parametrize(("deepest", "layers"), [(4, 1), (8, 2), (16, 3), (32, 4)])
def test_a_resnet_holds_no_stage_deeper_than_its_deepest_map(deepest: int, layers: int) -> None:
    network = torchvision_resnet("resnet18", [4, deepest] if deepest > 4 else [4], "imagenet", 3).network
    assert [name for name, _ in network.named_children() if name.startswith("layer")] == [
        f"layer{number}" for number in range(1, layers + 1)
    ]


@torch.no_grad()
def test_the_cifar_stem_keeps_the_resolution() -> None:
    built = torchvision_resnet("resnet18", [1, 2, 4, 8], "cifar", 3)
    first = built.network.conv1
    assert isinstance(first, nn.Conv2d)
    assert (first.kernel_size, first.stride, first.padding) == ((3, 3), (1, 1), (1, 1))
    assert built.widths == {1: 64, 2: 128, 4: 256, 8: 512}
    assert [part.shape[-1] for part in built.network(images(32))] == [32, 16, 8, 4]


@pytest.mark.parametrize("name", ["test_efficientnet", "mobilenetv3_small_100", "tf_efficientnet_lite0", "test_resnet"])
def test_every_weight_of_a_timm_backbone_serves_a_map(name: str) -> None:
    network = timm_features(name, [8, 16], 3).network.train()
    maps = network(images())
    torch.stack([part.square().mean() for part in maps]).sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


@torch.no_grad()
def test_cutting_off_changes_no_map_and_whole_states_still_load() -> None:
    network = timm_features("test_efficientnet", [4, 8], 3).network.eval()
    whole = timm.create_model("test_efficientnet", pretrained=False, features_only=True, out_indices=(1, 2)).eval()
    assert len(whole.state_dict()) > len(network.state_dict())
    # As a run of an earlier version holds it, below the encoder's name, in a copy as the momentum network is one.
    encoder = copy.deepcopy(nn.ModuleDict({"backbone": network}))
    encoder.load_state_dict({f"backbone.{name}": value for name, value in whole.state_dict().items()})
    for mine, its in zip(encoder["backbone"](images()), whole(images()), strict=True):
        assert torch.equal(mine, its)
    with pytest.raises(RuntimeError, match=r"backbone\.blocks\.x"):
        encoder.load_state_dict({**encoder.state_dict(), "backbone.blocks.x.weight": torch.zeros(1)})
