"""Ending a run in the middle, and looking at what it left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from pretrain.method import StepLosses
from tests.pretrain.tiny import tiny_recipe

RECIPE = tiny_recipe(dense_weight=1.0, flaw_weight=1.0, preserve_weight=1.0)
"""Every network and every term takes part."""


class Stopped(Exception):
    """Stands for anything that ends a process."""


def stop_after(steps: int) -> Callable[[StepLosses, int], None]:
    """A monitor that ends the run when step number `steps` (from 0) has been taken, before it is counted."""

    def check(_: StepLosses, step: int) -> None:
        if step == steps:
            raise Stopped

    return check


def checkpoint_of(run: Path) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    explained = json.loads((run / "checkpoint.json").read_text(encoding="utf-8"))
    return explained, load_file(run / explained["tensors"])
