"""See to it that the browser tests find a Chromium: from PATH, else from Debian's packages when root.

Without one the browser tests are skipped on a person's machine, and the run fails where CI=true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def install_from_debian() -> bool:
    """Whether `apt-get` gave us a Chromium. Its chatter goes to standard error."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print("installing chromium for the browser tests", file=sys.stderr)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        status = subprocess.run(["apt-get", *command], env=quiet, stdout=sys.stderr, check=False).returncode
        if status != 0:
            print(f"chromium: apt-get {command[0]} ended with status {status}", file=sys.stderr)
    return shutil.which("chromium") is not None


def main() -> int:
    if any(shutil.which(name) for name in NAMES) or install_from_debian():
        return 0
    in_ci = os.environ.get("CI") == "true"
    fate = "CI does not run without them" if in_ci else "the browser tests will be skipped"
    print(
        f"chromium: none on PATH and none could be installed ({fate}); as root: apt-get install chromium",
        file=sys.stderr,
    )
    return 1 if in_ci else 0


if __name__ == "__main__":
    sys.exit(main())
