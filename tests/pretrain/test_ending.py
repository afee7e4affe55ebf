"""The encoder a run ends with: part of its start, where there was one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pretrain.encoder.encoder import Encoder
from pretrain.train import TrainingRequest, train
from pretrain.training.ending import blend_with_start
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import write_washers


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_every_weight_lies_between_start_and_end(share: float) -> None:
    torch.manual_seed(0)
    one, other = (Encoder(tiny_recipe().encoder) for _ in range(2))
    ended = {name: value.clone() for name, value in one.state_dict().items()}
    start = other.state_dict()
    blend_with_start(one, start, share)
    for name, value in one.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, share * start[name] + (1 - share) * ended[name], atol=1e-6), name


def test_a_run_ends_nearer_to_its_published_start_and_not_to_a_random_one(tmp_path: Path) -> None:
    write_washers(tmp_path / "images" / "train" / "good", range(12))
    first = train(TrainingRequest(tiny_recipe(steps=2), tmp_path / "images", tmp_path / "first"))

    def moved(name: str, share: float, start: Path | None) -> float:
        recipe = tiny_recipe(steps=2)
        recipe = recipe.model_copy(
            update={"optimisation": recipe.optimisation.model_copy(update={"start_share": share})}
        )
        run = train(TrainingRequest(recipe, tmp_path / "images", tmp_path / name, start_weights=start))
        pairs = zip(run.load_encoder().parameters(), run.load_encoder(as_started=True).parameters(), strict=True)
        return float(sum((ended - began).square().sum() for ended, began in pairs)) ** 0.5

    whole, half = (moved(f"warm-{share}", share, first.encoder_file) for share in (0.0, 0.5))
    assert half == pytest.approx(whole / 2, rel=1e-3)
    cold = [moved(f"cold-{share}", share, None) for share in (0.0, 0.5)]
    assert cold[0] == pytest.approx(cold[1])
