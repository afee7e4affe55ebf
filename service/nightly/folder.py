"""A night's folder: all that it works on and makes, under its name.

snapshot.json    the pictures it looks at, frozen: nothing may change them later
selection.json   which of them are learned from, which set the limits, and why the others stay out
pictures/        those it learns from, a folder a lot, as the trainer reads them
calibration/     those that only set the limits
decisions.csv    what people have said of those that set the limits
teacher/         the pretraining run
student/         the bundle as distilled
challenger/      the bundle with its limits set on other lots
*.log            what the trainer said
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspection.errors import StorageError
from inspection.images.digest import sha256_of_file


@dataclass(frozen=True)
class NightFolder:
    """Paths, and small files that are written whole or not at all."""

    root: Path

    @property
    def snapshot_file(self) -> Path:
        return self.root / "snapshot.json"

    @property
    def selection_file(self) -> Path:
        return self.root / "selection.json"

    @property
    def pictures(self) -> Path:
        return self.root / "pictures"

    @property
    def calibration(self) -> Path:
        return self.root / "calibration"

    @property
    def decisions_file(self) -> Path:
        return self.root / "decisions.csv"

    @property
    def teacher(self) -> Path:
        return self.root / "teacher"

    @property
    def student(self) -> Path:
        return self.root / "student"

    @property
    def challenger(self) -> Path:
        return self.root / "challenger"

    def write(self, path: Path, content: Mapping[str, Any]) -> str:
        """Write JSON for good and return the file's SHA-256."""
        self.root.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        path.chmod(0o444)
        return sha256_of_file(path)

    def read(self, path: Path, sha256: str) -> dict[str, Any]:
        """What `write` wrote. Raises StorageError where the file is not that one any more."""
        try:
            if sha256_of_file(path) != sha256:
                raise StorageError(f"{path}: was changed after it was frozen", "let the next night freeze a new one")
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StorageError(f"{path}: is gone", "let the next night freeze a new one") from None
        return content

    def clear(self, *folders: Path) -> None:
        """What is only needed while the night works, and can be made again."""
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
