"""Checkpoints: safetensors for numbers, JSON for what they mean. No pickle is written or read.

The JSON is replaced last and names the tensors it explains: a kill between the two leaves the pair before in force.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inspection.errors import StorageError, TrainingError
from pretrain.training.schedule import Progress
from pretrain.whole_files import replace_text


@dataclass(frozen=True)
class Trainee:
    """All that changes while a run trains."""

    networks: nn.Module
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    progress: Progress


def save_checkpoint(root: Path, trainee: Trainee) -> None:
    """Write the newest checkpoint of a run beside the one before, then remove that. Raises StorageError."""
    tensors = {f"networks.{name}": value for name, value in trainee.networks.state_dict().items()}
    optimiser_tensors, optimiser_values = _flatten(trainee.optimiser.state_dict()["state"])
    tensors |= {f"optimiser.{name}": value for name, value in optimiser_tensors.items()}
    tensors["generator"] = trainee.generator.get_state()
    tensors["torch_generator"] = torch.get_rng_state()
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    file = f"checkpoint-{trainee.progress.step:08d}.safetensors"
    try:
        save_file(tensors, root / (file + ".partial"))
        (root / (file + ".partial")).replace(root / file)
        explained = {"tensors": file, "progress": asdict(trainee.progress), "optimiser": optimiser_values}
        replace_text(root / "checkpoint.json", json.dumps(explained, indent=2) + "\n")
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{root}: checkpoint not written ({error})", "free some space, then --resume") from None
    for old in root.glob("checkpoint-*.safetensors*"):
        if old.name != file:
            old.unlink()


def load_checkpoint(root: Path, trainee: Trainee) -> bool:
    """Restore the newest checkpoint into `trainee`; False where the run has none yet. Raises TrainingError."""
    explanation = root / "checkpoint.json"
    if not explanation.is_file():
        return False
    try:
        explained = json.loads(explanation.read_text(encoding="utf-8"))
        tensors = load_file(root / explained["tensors"])
        trainee.networks.load_state_dict(_below("networks.", tensors))
        state = _unflatten(_below("optimiser.", tensors), explained["optimiser"])
        trainee.optimiser.load_state_dict({**trainee.optimiser.state_dict(), "state": state})
        _restore_layout(trainee.optimiser)
        trainee.generator.set_state(tensors["generator"])
        torch.set_rng_state(tensors["torch_generator"])
        trainee.progress.step = explained["progress"]["step"]
        trainee.progress.elapsed_s = explained["progress"]["elapsed_s"]
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise TrainingError(
            f"{explanation}: cannot be resumed ({reason})", "start the run anew in another folder"
        ) from None
    return True


def _flatten(state: dict[int, dict[str, Any]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    for index, slots in state.items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{slot}"] = value
            else:
                values[f"{index}.{slot}"] = value
    return tensors, values


def _unflatten(tensors: dict[str, Tensor], values: dict[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**values, **tensors}.items():
        index, slot = name.split(".", 1)
        state.setdefault(int(index), {})[slot] = value
    return state


def _restore_layout(optimiser: torch.optim.Optimizer) -> None:
    """Lay the optimiser's tensors out as their weights: files know no channels-last, fused kernels do not look."""
    for weight, slots in optimiser.state.items():
        for slot, value in slots.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                slots[slot] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
