"""Resolve pyproject.toml into requirements.lock for every platform, with uv from a throw-away environment.

The lock is a constraints file: one `name==version` a line, no addresses, no comments. GPU runtime wheels are
left out, since torch itself pins them exactly and a machine without a GPU build must not ask for them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
PINNED_BY_TORCH = re.compile(r"^(nvidia|cuda|triton)")


def compile_lock(uv: Path) -> str:
    """The lock's text; raises CalledProcessError when no set of versions fits."""
    command = [str(uv), "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--quiet"]
    command += ["--no-emit-index-url", "--no-header", "--no-annotate"]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    kept = [line for line in answer.stdout.splitlines() if line and not PINNED_BY_TORCH.match(line)]
    return "\n".join(kept) + "\n"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kensa-lock-") as folder:
        tool = Path(folder) / "bin"
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([str(tool / "pip"), "install", "--quiet", "uv"], check=True)
            text = compile_lock(tool / "uv")
        except subprocess.CalledProcessError as error:
            print(f"lock: {Path(error.cmd[0]).name} ended with status {error.returncode}", file=sys.stderr)
            return 1
    fresh = LOCK.with_suffix(".part")
    fresh.write_text(text)
    os.replace(fresh, LOCK)
    print(f"lock: {len(text.splitlines())} versions in {LOCK.name}; run `make setup`", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
