"""Small JSON files that are written once and read by whoever resumes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspection.errors import TrainingError
from pretrain.whole_files import replace_text, told_of_the_disk


def read_json(file: Path) -> dict[str, Any]:
    """Raises TrainingError for a file that holds no JSON object."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file}: cannot be read ({error})", "restore it, or choose another --out") from None
    if not isinstance(values, dict):
        raise TrainingError(f"{file}: holds no JSON object", "restore it, or choose another --out")
    return values


def measured_once(file: Path, measure: Callable[[], dict[str, object]]) -> dict[str, Any]:
    """Figures from `file`, or measured now and written there."""
    if not file.exists():
        figures = measure()
        with told_of_the_disk(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_text(file, json.dumps(figures) + "\n")
    return read_json(file)
