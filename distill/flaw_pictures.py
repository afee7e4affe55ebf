"""Pictures with a drawn flaw each, written as files: for whoever judges models without torch."""

from pathlib import Path

import torch

from inspection.errors import StorageError
from inspection.images.decode import encode_png
from inspection.images.folders import find_pictures
from inspection.images.preprocess import Preprocessing
from pretrain.data.image_set import load_images
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.treatment import to_bytes
from pretrain.flaws import add_flaws


def draw_flaw_pictures(images: Path, out: Path, input_px: int, seed: int) -> list[str]:
    """One flaw on each picture of `images`, as PNG of `input_px` under its own name in `out`; returns the names.

    The same pictures and seed give the same flaws. Raises DatasetError, StorageError.
    """
    loaded = load_images(find_pictures(images), Preprocessing(input_px=input_px))
    flawed = add_flaws(as_input(loaded.pixels, torch.device("cpu")), torch.Generator().manual_seed(seed))
    names = [f"{path.stem}.png" for path in loaded.paths]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, pixels in zip(names, to_bytes(flawed.pixels), strict=True):
            (out / name).write_bytes(encode_png(pixels.numpy()))
    except OSError as error:
        raise StorageError(f"{out}: {error.strerror}", "free some space or choose another folder") from None
    return names
