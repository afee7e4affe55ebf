"""The encoder: its taps, its widths, and what it says of a backbone it cannot use."""

from __future__ import annotations

import pytest
import torch

from inspection.errors import ConfigError
from pretrain.encoder.encoder import Encoder
from pretrain.recipe import EncoderRecipe
from tests.pretrain.tiny import some_images


def encoder(**recipe: object) -> Encoder:
    torch.manual_seed(0)
    values = {"backbone": "test_efficientnet", "taps": (8, 16), "pooled_tap": 32, **recipe}
    return Encoder(EncoderRecipe.model_validate(values)).eval()


@pytest.mark.parametrize(
    ("backbone", "taps", "pooled_tap", "width", "pooled_width"),
    [
        ("test_efficientnet", (8, 16), 32, 32 + 48, 64),
        ("test_efficientnet", (4,), 8, 24, 32),
        ("test_resnet", (8, 16), 16, 48 + 192, 192),
        ("resnet18", (8, 16), 32, 128 + 256, 512),
        ("resnet18", (2, 4), 8, 64 + 64, 128),
        ("resnet50", (4, 8), 16, 256 + 512, 1024),
    ],
)
@torch.no_grad()
def test_taps_give_their_widths_at_the_finest_ones_resolution(
    backbone: str, taps: tuple[int, ...], pooled_tap: int, width: int, pooled_width: int
) -> None:
    made = encoder(backbone=backbone, taps=taps, pooled_tap=pooled_tap)
    images = some_images(2)
    side = 64 // taps[0]
    assert (made.width, made.pooled_width) == (width, pooled_width)
    assert made.patch_embeddings(images).shape == (2, width, side, side)
    assert made.pooled(images).shape == (2, pooled_width)
    assert {stride: part.shape[-1] for stride, part in made.feature_maps(images).items()} == {
        stride: 64 // stride for stride in {*taps, pooled_tap}
    }


@torch.no_grad()
def test_both_answers_at_once_are_the_same_as_one_by_one() -> None:
    made, images = encoder(), some_images(3)
    embeddings, pooled = made(images)
    assert torch.equal(embeddings, made.patch_embeddings(images))
    assert torch.equal(pooled, made.pooled(images))
    assert torch.allclose(pooled, made.feature_maps(images)[32].mean(dim=(2, 3)))


@torch.no_grad()
def test_every_tap_weighs_the_same() -> None:
    made, images = encoder(), some_images(3)
    fine = made.patch_embeddings(images)[:, :32]
    assert torch.allclose(fine.norm(dim=1), torch.ones(3, 8, 8), atol=1e-5)
    # Cells between those of the coarser tap are means of unit vectors, a little shorter than one.
    lengths = made.patch_embeddings(images)[:, 32:].norm(dim=1)
    assert float(lengths.max()) <= 1 + 1e-5
    assert float(lengths.min()) > 0.3


@torch.no_grad()
def test_a_cell_is_the_mean_of_its_neighbourhood() -> None:
    made, images = encoder(taps=(8,)), some_images(1)
    raw = made.feature_maps(images)[8][0]
    cell = raw[:, 2:5, 3:6].mean(dim=(1, 2))
    assert torch.allclose(made.patch_embeddings(images)[0, :, 3, 4], cell / cell.norm(), atol=1e-5)
    corner = raw[:, :2, :2].mean(dim=(1, 2))
    assert torch.allclose(made.patch_embeddings(images)[0, :, 0, 0], corner / corner.norm(), atol=1e-5)


@torch.no_grad()
def test_the_backbone_sees_images_normalised() -> None:
    made = encoder()
    seen = []
    made.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = some_images(1)
    made.feature_maps(images)
    expected = [(images[:, c] - made.mean[0, c]) / made.deviation[0, c] for c in range(3)]
    assert torch.allclose(seen[0], torch.stack(expected, 1), atol=1e-6)
    assert bool((made.deviation > 0).all())


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"backbone": "resnet19"}, "encoder.backbone = 'resnet19': unknown: give a name of timm.list_models()"),
        (
            {"taps": (8, 12)},
            "encoder: test_efficientnet has no feature map of stride 12: choose taps from [2, 4, 8, 16, 32]",
        ),
        ({"pooled_tap": 64}, "encoder: test_efficientnet has no feature map of stride 64"),
        (
            {"backbone": "resnet18", "taps": (1, 2), "pooled_tap": 8},
            "encoder: resnet18 with stem imagenet has no feature map of stride 1: choose taps from [2, 4, 8, 16, 32]",
        ),
        (
            {"backbone": "resnet50", "stem": "cifar", "taps": (4, 8), "pooled_tap": 16},
            "encoder: resnet50 with stem cifar has no feature map of stride 16: choose taps from [1, 2, 4, 8]",
        ),
        (
            {"stem": "cifar"},
            "encoder.stem = 'cifar': test_efficientnet has no other stem than its own: choose one of resnet18, "
            "resnet34, resnet50, wide_resnet50_2, or leave encoder.stem out",
        ),
        (
            {"backbone": "vit_tiny_patch16_224", "taps": (16,), "pooled_tap": 16},
            "encoder.backbone = 'vit_tiny_patch16_224': does not take images of any size: choose another backbone",
        ),
        ({"backbone": "test_mambaout"}, "its maps keep channels last: choose another backbone"),
        ({"backbone": "test_convnext", "taps": (2, 4)}, "has no feature map of stride 2"),
    ],
)
def test_an_encoder_that_cannot_be_is_named_with_what_can(recipe: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        encoder(**recipe)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_backbone_without_feature_maps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("features_only not implemented")

    monkeypatch.setattr("pretrain.encoder.backbones.timm_features.timm.create_model", refuse)
    with pytest.raises(ConfigError, match="'test_efficientnet': offers no feature maps: choose another backbone"):
        encoder()
