"""See to it that the tests find the programs they drive: from PATH, else from Debian's packages when root.

Without one its tests are skipped on a person's machine, and the run fails where CI=true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

# Servers lie where only an administrator's PATH looks.
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


@dataclass(frozen=True)
class Program:
    """A program, the names it goes by, its Debian package, and the tests that need it."""

    package: str
    names: tuple[str, ...]
    tests: str

    @property
    def is_there(self) -> bool:
        return any(shutil.which(name, path=PLACES) for name in self.names)


PROGRAMS = (
    Program("chromium", ("chromium", "chromium-browser", "google-chrome"), "browser tests"),
    Program("mosquitto", ("mosquitto",), "MQTT tests"),
)


def install_from_debian(packages: list[str]) -> None:
    """Ask `apt-get` for them, where we may. Its chatter goes to standard error."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(f"installing {' and '.join(packages)} for the tests", file=sys.stderr)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        status = subprocess.run(["apt-get", *command], env=quiet, stdout=sys.stderr, check=False).returncode
        if status != 0:
            print(f"programs: apt-get {command[0]} ended with status {status}", file=sys.stderr)


def main() -> int:
    if absent := [one.package for one in PROGRAMS if not one.is_there]:
        install_from_debian(absent)
    in_ci = os.environ.get("CI") == "true"
    still = [one for one in PROGRAMS if not one.is_there]
    for one in still:
        fate = "CI does not run without them" if in_ci else f"the {one.tests} will be skipped"
        print(
            f"{one.package}: not on PATH and could not be installed ({fate}); as root: apt-get install {one.package}",
            file=sys.stderr,
        )
    return 1 if in_ci and still else 0


if __name__ == "__main__":
    sys.exit(main())
