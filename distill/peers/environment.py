"""The peers' own environment, made on first use."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from inspection.errors import StorageError
from inspection.terminal import say

ANOMALIB = "2.7.0"
# Of our own versions, so that both sides compute with the same kernels.
_SHARED = ("torch", "torchvision", "timm", "safetensors", "numpy", "opencv-python-headless")


def peers_python(folder: Path) -> Path:
    """The interpreter of the environment at `folder`, installed there if it is not yet. Raises StorageError."""
    python = folder / "bin" / "python"
    stamp = folder / f"anomalib-{ANOMALIB}.installed"
    if stamp.is_file():
        return python
    say(f"installing anomalib {ANOMALIB} into {folder}: the first time takes minutes")
    constraints = folder / "constraints.txt"
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pins = [f"{name}=={version(name).partition('+')[0]}" for name in _SHARED]
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["-c", str(constraints), f"anomalib=={ANOMALIB}", *_SHARED]
        subprocess.run(install, check=True, stdout=sys.stderr)
        stamp.touch()
    except (OSError, subprocess.CalledProcessError) as error:
        raise StorageError(
            f"{folder}: the peers' environment was not made ({error})", "see pip's message above, and try again"
        ) from None
    return python
