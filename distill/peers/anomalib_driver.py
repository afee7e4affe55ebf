"""Runs one of anomalib's models in the peers' environment: `python anomalib_driver.py MODEL FOLDER`.

FOLDER/exchange.npz holds `train`, `held_out` and `test`, uint8 [N, S, S, 3], and `mean` and `deviation` of the
backbone's input; FOLDER/backbone.safetensors its start weights; FOLDER/exchange.json the settings. Writes
FOLDER/MODEL.npz: `scores` [N], `maps` [N, h, w], and how long it took. Knows nothing of the rest of this project.
"""

import json
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
import timm
import torch
import torch.nn.functional as F
from anomalib.models.image.efficient_ad.torch_model import EfficientAdModel
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from safetensors.torch import load_file
from timm.models import FeatureInfo
from torch import Tensor, nn

_BATCH = 16
_CANDIDATES, _CORESET_SHARE = 40_000, 0.1
"""anomalib's own share, of a random part of the patches: the greedy search over all of them takes hours."""
_PADIM_WIDTH = 100
_MAP_PX = 64


class Exchange:
    """What the folder holds."""

    def __init__(self, folder: Path) -> None:
        arrays = np.load(folder / "exchange.npz")
        self.train, self.held_out, self.test = (arrays[name] for name in ("train", "held_out", "test"))
        self.mean, self.deviation = (torch.from_numpy(arrays[name]).view(1, -1, 1, 1) for name in ("mean", "deviation"))
        settings = json.loads((folder / "exchange.json").read_text(encoding="utf-8"))
        self.backbone: str = settings["backbone"]
        self.strides: list[int] = settings["strides"]
        self.minutes: float = settings["minutes"]
        self.weights = load_file(folder / "backbone.safetensors")

    def as_input(self, images: np.ndarray) -> Tensor:
        return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255

    def normalised(self, images: np.ndarray) -> Tensor:
        return (self.as_input(images) - self.mean) / self.deviation

    def indices(self) -> list[int]:
        """Where the strides lie among the backbone's feature maps."""
        probe = timm.create_model(self.backbone, pretrained=False, features_only=True)
        offered: list[int] = cast(FeatureInfo, probe.feature_info).reduction()
        return [offered.index(stride) for stride in self.strides]

    def start(self, network: nn.Module) -> None:
        """Load the start weights; every tensor must find its place."""
        answer = network.load_state_dict(self.weights, strict=False)
        if answer.unexpected_keys:
            raise SystemExit(f"backbone.safetensors: {answer.unexpected_keys[0]} has no place in {self.backbone}")


class FrozenFeatures(nn.Module):
    """The start backbone as EfficientAD's teacher: its maps, joined and brought to the student's grid."""

    def __init__(self, exchange: Exchange, side: int) -> None:
        super().__init__()
        self.network = timm.create_model(
            exchange.backbone, pretrained=False, features_only=True, out_indices=exchange.indices()
        )
        exchange.start(self.network)
        self.requires_grad_(False).eval()
        self.mean, self.deviation, self.side = exchange.mean, exchange.deviation, side
        self.width = sum(cast(FeatureInfo, self.network.feature_info).channels())

    def train(self, mode: bool = True) -> "FrozenFeatures":
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.network((images - self.mean) / self.deviation)
        size = (self.side, self.side)
        return torch.cat([F.interpolate(one, size, mode="bilinear", align_corners=False) for one in maps], dim=1)


@torch.no_grad()
def patchcore(exchange: Exchange) -> tuple[nn.Module, bool]:
    model = PatchcoreModel(layers=exchange.indices(), backbone=exchange.backbone, pre_trained=False)
    exchange.start(model.feature_extractor.feature_extractor)
    model.train()
    model.feature_extractor.eval()
    for start in range(0, len(exchange.train), _BATCH):
        model(exchange.normalised(exchange.train[start : start + _BATCH]))
    patches = torch.vstack(model.embedding_store)
    model.embedding_store = [patches[torch.randperm(len(patches))[:_CANDIDATES]]]
    model.subsample_embedding(_CORESET_SHARE)
    return model.eval(), True


@torch.no_grad()
def padim(exchange: Exchange) -> tuple[nn.Module, bool]:
    model = PadimModel(exchange.backbone, layers=exchange.indices(), pre_trained=False, n_features=_PADIM_WIDTH)
    exchange.start(model.feature_extractor.feature_extractor)
    model.train()
    model.feature_extractor.eval()
    for start in range(0, len(exchange.train), _BATCH):
        model(exchange.normalised(exchange.train[start : start + _BATCH]))
    model.fit()
    return model.eval(), True


def efficient_ad(exchange: Exchange) -> tuple[nn.Module, bool]:
    """EfficientAD's student, autoencoder and losses on features of our start weights.

    Its own teacher's weights and the ImageNet pictures of its penalty are not at hand offline: smooth noise stands in
    for the pictures.
    """
    side = exchange.train.shape[1]
    probe = EfficientAdModel()
    with torch.no_grad():
        grid = probe.student(torch.zeros(1, 3, side, side)).shape[-1]
    teacher = FrozenFeatures(exchange, grid)
    model = EfficientAdModel(teacher_out_channels=teacher.width)
    model.teacher = teacher
    _set_teacher_statistics(model, exchange)
    optimiser = torch.optim.Adam([*model.student.parameters(), *model.ae.parameters()], lr=1e-4, weight_decay=1e-5)
    model.train()
    began, steps, limit = time.monotonic(), 0, exchange.minutes * 60
    while steps == 0 or time.monotonic() - began < limit:
        if time.monotonic() - began > 0.95 * limit:
            optimiser.param_groups[0]["lr"] = 1e-5
        images = exchange.as_input(exchange.train[np.random.randint(len(exchange.train), size=1)])
        penalty = F.interpolate(torch.rand(1, 3, 32, 32), (side, side), mode="bicubic").clamp(0, 1)
        loss = sum(model(images, penalty))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
    print(f"efficient_ad: {steps} steps in {time.monotonic() - began:.0f} s", file=sys.stderr)
    model.eval()
    _set_map_quantiles(model, exchange)
    return model, False


@torch.no_grad()
def _set_teacher_statistics(model: EfficientAdModel, exchange: Exchange) -> None:
    sums, squares, count = torch.zeros(()), torch.zeros(()), 0
    for start in range(0, len(exchange.train), _BATCH):
        features = model.teacher(exchange.as_input(exchange.train[start : start + _BATCH]))
        sums = sums + features.sum((0, 2, 3))
        squares = squares + features.square().sum((0, 2, 3))
        count += features.shape[0] * features.shape[2] * features.shape[3]
    mean = sums / count
    model.mean_std["mean"].data = mean.view(1, -1, 1, 1)
    model.mean_std["std"].data = (squares / count - mean.square()).clamp_min(1e-8).sqrt().view(1, -1, 1, 1)


@torch.no_grad()
def _set_map_quantiles(model: EfficientAdModel, exchange: Exchange) -> None:
    """Both maps brought to one scale by held-out normal pictures, as the method does."""
    found: dict[str, list[Tensor]] = {"st": [], "ae": []}
    for start in range(0, len(exchange.held_out), _BATCH):
        images = exchange.as_input(exchange.held_out[start : start + _BATCH])
        answer, distance = model.compute_student_teacher_distance(images)
        maps = model.compute_maps(images, answer, distance, normalize=False)
        for name, one in zip(found, maps, strict=True):
            found[name].append(F.avg_pool2d(one, 4).flatten())
    for name, parts in found.items():
        values = torch.cat(parts)
        values = values[torch.randperm(len(values))[:1_000_000]]
        for letter, quantile in (("a", 0.9), ("b", 0.995)):
            model.quantiles[f"q{letter}_{name}"].data = torch.quantile(values, quantile)


@torch.inference_mode()
def judge(model: nn.Module, exchange: Exchange, *, normalised: bool) -> dict[str, np.ndarray]:
    prepare = exchange.normalised if normalised else exchange.as_input
    scores, maps = [], []
    for start in range(0, len(exchange.test), _BATCH):
        answer = model(prepare(exchange.test[start : start + _BATCH]))
        scores.append(answer.pred_score.flatten())
        # 64 cells a side are more than any of these maps has to tell.
        small = F.adaptive_avg_pool2d(answer.anomaly_map.view(-1, 1, *answer.anomaly_map.shape[-2:]), _MAP_PX)
        maps.append(small[:, 0])
    one = prepare(exchange.test[:1])
    took = []
    for _ in range(5):
        began = time.perf_counter()
        model(one)
        took.append((time.perf_counter() - began) * 1e3)
    return {
        "scores": torch.cat(scores).float().numpy(),
        "maps": torch.cat(maps).float().numpy(),
        "latency_ms": np.array(np.median(took)),
    }


MODELS = {"patchcore": patchcore, "padim": padim, "efficient_ad": efficient_ad}


def main(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    exchange = Exchange(folder)
    began = time.monotonic()
    model, normalised = MODELS[name](exchange)
    fitted_s = time.monotonic() - began
    answer = judge(model, exchange, normalised=normalised)
    scores, maps, latency_ms = (answer[key] for key in ("scores", "maps", "latency_ms"))
    np.savez(folder / f"{name}.npz", scores=scores, maps=maps, latency_ms=latency_ms, fitted_s=np.array(fitted_s))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
