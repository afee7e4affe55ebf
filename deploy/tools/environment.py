"""Create or refresh `.venv` from pyproject.toml and requirements.lock; instant when nothing changed.

Runs on whatever `python3` a fresh machine has, before anything is installed, so: standard library only.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "kensa-setup.sha256"
EXTRAS = "train,service,weights,dev"
OLDEST = (3, 11)


def setup_key() -> str:
    """SHA-256 over all that decides the environment's content, its place included: a venv cannot move."""
    digest = hashlib.sha256(f"{VENV}\n{EXTRAS}\n".encode())
    for name in ("pyproject.toml", "requirements.lock"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def venv_python_is_usable(python: Path) -> bool:
    """Whether the environment's interpreter starts and is new enough; the system's may have changed."""
    if not python.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([str(python), "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode == 0


def install(python: Path) -> None:
    """Bring the environment up to date; raises CalledProcessError when venv or pip fail."""
    if not venv_python_is_usable(python):
        print(f"creating {VENV}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    print("installing Kensa and what it needs; the first time takes minutes", file=sys.stderr)
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    command += [] if sys.stderr.isatty() else ["--quiet"]
    command += ["-c", "requirements.lock", "-e", f".[{EXTRAS}]"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


def main() -> int:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        print(
            f"setup: python3 is {found}; Kensa needs 3.11 or newer. Name one: make PYTHON=python3.12",
            file=sys.stderr,
        )
        return 1
    key = setup_key()
    if STAMP.exists() and STAMP.read_text() == key:
        return 0
    # From here to the last line the environment is in doubt: without its stamp the next run starts again.
    STAMP.unlink(missing_ok=True)
    try:
        install(VENV / "bin" / "python")
    except subprocess.CalledProcessError as error:
        failed = "pip" if "pip" in error.cmd else "venv (on Debian: apt-get install python3-venv)"
        print(f"setup: {failed} ended with status {error.returncode}; its own message is above", file=sys.stderr)
        return 1
    fresh = STAMP.with_suffix(".part")
    fresh.write_text(key)
    os.replace(fresh, STAMP)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
