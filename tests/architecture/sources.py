"""The files that the architecture tests read."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def project_files() -> list[Path]:
    """Files that git tracks or would track, sorted, as absolute paths.

    A source archive has no git: there, every file outside hidden folders counts.
    """
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if (ROOT / ".git").exists():
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    else:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        paths = [ROOT / path for path in found if not any(part.startswith(".") for part in path.parts)]
    return sorted(path for path in paths if path.is_file())


def project_modules() -> list[Path]:
    """Every Python and JavaScript module of the project, tests included."""
    return [path for path in project_files() if path.suffix in {".py", ".js", ".mjs"}]
