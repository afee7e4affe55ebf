"""Start weights: a local file's tensors in an encoder's backbone."""

import re
import struct
import warnings
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.encoder.grey_weights import first_convolution, fold_colour, take_offset

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
Shapes = dict[str, tuple[int, ...]]


def load_start_weights(encoder: Encoder, path: Path) -> int:
    """Load a local state dict into the backbone, by name or, where all names differ, in order; returns tensors loaded.

    Takes .safetensors and torch files of plain tensors (`weights_only`: no pickled code runs): torchvision's and timm's
    own, and the encoder.safetensors of a run. What the backbone has no place for (a classifier, deeper stages) is left
    out. Colour weights fit an encoder without colour. Raises TrainingError.
    """
    offered = {_plain(name): value for name, value in _read_state_dict(path).items() if not _is_counter(name)}
    own = encoder.backbone.state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items() if not _is_counter(name)}
    first = first_convolution(encoder.backbone) + ".weight"
    in_colour = {**shapes, first: (shapes[first][0], 3, *shapes[first][2:])}
    offset = None
    matched = _match(offered, shapes)
    if not matched and not encoder.recipe.colour and (matched := _match(offered, in_colour)):
        matched[first], offset = fold_colour(matched[first], encoder.colour_mean, encoder.colour_deviation)
    if not matched:
        raise TrainingError(
            f"{path}: its tensors fit no {encoder.recipe.backbone} ({_misfit(offered, shapes)})",
            "give weights of the recipe's encoder",
        )
    encoder.backbone.load_state_dict({**own, **matched})
    if offset is not None:
        take_offset(encoder.backbone, offset)
    encoder.has_start_weights = True
    encoder.train(encoder.training)
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


def _plain(name: str) -> str:
    return re.sub(r"^(module\.|backbone\.|encoder\.)+", "", name)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _match(offered: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """A tensor for every name, or none at all."""
    return _match_by_name(offered, shapes) or _match_in_order(offered, shapes)


def _match_by_name(offered: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    fits = all(name in offered and offered[name].shape == shape for name, shape in shapes.items())
    return {name: offered[name] for name in shapes} if fits and not _strangers(offered, shapes) else {}


def _match_in_order(offered: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """The backbone's tensors as the first ones of the source, shape by shape: the same network under other names."""
    if len(offered) < len(shapes) or set(offered) & set(shapes):
        return {}
    pairs = list(zip(shapes, offered.values(), strict=False))
    return dict(pairs) if all(shapes[name] == value.shape for name, value in pairs) else {}


def _strangers(offered: dict[str, Tensor], shapes: Shapes) -> list[str]:
    """Tensors of stages that the backbone has without them: ResNet-34 holds all of ResNet-18's names, and more."""
    stages = {_stage(name) for name in shapes} - {""}
    return [name for name in offered if name not in shapes and _stage(name) in stages]


def _stage(name: str) -> str:
    """A tensor's name up to its first number: `layer1.`, `blocks.2.`"""
    found = re.match(r"\D*\d+\.", name)
    return found[0] if found else ""


def _misfit(offered: dict[str, Tensor], shapes: Shapes) -> str:
    if not set(offered) & set(shapes):
        return "neither by name nor in order"
    if strangers := _strangers(offered, shapes):
        return f"it has no {strangers[0]}"
    name = next(name for name, shape in shapes.items() if name not in offered or offered[name].shape != shape)
    if name not in offered:
        return f"{name} is missing"
    found, due = ("x".join(map(str, shape)) for shape in (offered[name].shape, shapes[name]))
    return f"{name} is {found}, not {due}"
