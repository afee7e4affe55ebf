"""An encoder without colour: published colour weights give it what they gave the colour encoder of a grey image."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file
from torch import nn

from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.encoder.grey_weights import fold_colour, take_offset
from pretrain.encoder.luminance import luminance
from pretrain.encoder.start_weights import load_start_weights
from pretrain.recipe import EncoderRecipe
from tests.pretrain.tiny import some_images


def encoder(backbone: str = "tf_efficientnet_lite0", *, colour: bool) -> Encoder:
    torch.manual_seed(0 if colour else 1)
    return Encoder(EncoderRecipe(backbone=backbone, taps=(4, 8), pooled_tap=8, colour=colour)).eval()


def both(backbone: str, folder: Path) -> tuple[Encoder, Encoder]:
    """A colour encoder, its statistics as after training, and a grey one started from its file."""
    colour, grey = encoder(backbone, colour=True), encoder(backbone, colour=False)
    colour.train()
    with torch.no_grad():
        for seed in range(20):
            colour.pooled(some_images(4, seed))
    save_file(colour.state_dict(), folder / "encoder.safetensors")
    load_start_weights(grey, folder / "encoder.safetensors")
    return colour.eval(), grey.eval()


def grey_images() -> torch.Tensor:
    return luminance(some_images(4, 99)).expand(-1, 3, -1, -1)


@torch.no_grad()
def test_grey_images_embed_equally_where_all_channels_are_expected_alike(tmp_path: Path) -> None:
    colour, grey = both("tf_efficientnet_lite0", tmp_path)
    assert len(set(colour.colour_mean.tolist())) == 1
    for one, other in zip(colour(grey_images()), grey(grey_images()), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


@torch.no_grad()
def test_grey_images_embed_equally_but_for_the_rim_where_they_are_not(tmp_path: Path) -> None:
    colour, grey = both("resnet18", tmp_path)
    assert len(set(colour.colour_mean.tolist())) == 3

    def stem(made: Encoder) -> torch.Tensor:
        pixels = (made.as_seen(grey_images()) - made.mean) / made.deviation
        maps: torch.Tensor = made.backbone.bn1(made.backbone.conv1(pixels))  # type: ignore[operator,union-attr]
        return maps

    one, other = stem(colour), stem(grey)
    assert torch.allclose(one[..., 2:-2, 2:-2], other[..., 2:-2, 2:-2], atol=1e-4)
    embedded, its = colour.patch_embeddings(grey_images()), grey.patch_embeddings(grey_images())
    assert F.cosine_similarity(embedded, its, dim=1).min() > 0.99


def test_folding_is_its_formula_pixel_by_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 3, 2, 2, generator=generator)
    mean, deviation = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.3, 0.25])
    folded, offset = fold_colour(weight, mean, deviation)
    x = [[0.1, 0.7], [0.9, 0.3]]
    for out in range(5):
        due = sum(
            float(weight[out, c, i, j]) * (x[i][j] - float(mean[c])) / float(deviation[c])
            for c in range(3)
            for i in range(2)
            for j in range(2)
        )
        got = sum(float(folded[out, 0, i, j]) * (x[i][j] - 0.4) / 0.25 for i in range(2) for j in range(2))
        assert got + float(offset[out]) == pytest.approx(due, rel=1e-4)


@torch.no_grad()
def test_the_offset_goes_where_there_is_a_bias() -> None:
    backbone = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3)).eval()
    x = torch.randn(2, 1, 4, 4)
    before = backbone(x)
    take_offset(backbone, torch.tensor([1.0, 2.0, 3.0]))
    assert torch.allclose(backbone(x) - before, torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1), atol=1e-3)


@torch.no_grad()
def test_colours_are_seen_by_their_luminance() -> None:
    grey, images = encoder(colour=False), some_images(2)
    assert grey.backbone.conv_stem.in_channels == 1  # type: ignore[union-attr]
    assert grey.as_seen(images).shape == (2, 1, 64, 64)
    weighed = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    assert torch.allclose(grey.as_seen(images)[:, 0], weighed, atol=1e-6)
    assert torch.equal(grey.patch_embeddings(images), grey.patch_embeddings(luminance(images)))


def test_a_grey_run_starts_another_and_no_colour_run(tmp_path: Path) -> None:
    source, target = encoder(colour=False), encoder(colour=False)
    save_file(source.state_dict(), tmp_path / "encoder.safetensors")
    load_start_weights(target, tmp_path / "encoder.safetensors")
    pairs = zip(source.parameters(), target.parameters(), strict=True)
    assert all(torch.equal(mine, its) for mine, its in pairs)
    with pytest.raises(TrainingError, match=r"conv_stem\.weight is 32x1x3x3, not 32x3x3x3"):
        load_start_weights(encoder(colour=True), tmp_path / "encoder.safetensors")


@torch.no_grad()
def test_published_files_fold_too(tmp_path: Path) -> None:
    published = torchvision.models.resnet18().state_dict()
    torch.save(published, tmp_path / "resnet18.pth")
    grey = encoder("resnet18", colour=False)
    load_start_weights(grey, tmp_path / "resnet18.pth")
    held = grey.backbone.state_dict()
    assert torch.equal(held["layer2.1.conv2.weight"], published["layer2.1.conv2.weight"])
    assert held["conv1.weight"].shape == (64, 1, 7, 7)
    assert not torch.equal(held["bn1.running_mean"], published["bn1.running_mean"])
