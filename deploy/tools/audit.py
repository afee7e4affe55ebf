"""Ask for known vulnerabilities of every package in requirements.lock.

Exit status 1 where there is one, or where a package could not be asked about: silence must not read as safety.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.tools.throwaway import tool

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"


def audit(pip_audit: Path, lock: Path) -> int:
    """pip-audit's exit status. The lock is complete: nothing is resolved or installed for the question."""
    command = [str(pip_audit), "--requirement", str(lock), "--no-deps", "--disable-pip", "--strict"]
    return subprocess.run([*command, "--progress-spinner", "off"], cwd=ROOT, check=False).returncode


def main() -> int:
    try:
        with tool("pip-audit", "pip-audit") as pip_audit:
            return audit(pip_audit, LOCK)
    except subprocess.CalledProcessError as error:
        print(f"audit: {Path(error.cmd[0]).name} ended with status {error.returncode}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
