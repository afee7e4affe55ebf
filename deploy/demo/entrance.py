"""How the demonstration gets in: a key for its camera, and a link that signs its watcher in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploy.demo.processes import environment_of_children
from deploy.demo.station import StationError
from deploy.demo.training import Programs

WATCHER = "demo"
ROLE = "reviewer"


def make_camera_key(programs: Programs, data: Path, station: str) -> str:
    """A new key for the camera's station; the one of an earlier run ends. Raises StationError."""
    return _last_line_of(programs, ["stations", "key", station, "--overlap-days", "0", "--data", str(data)])


def make_sign_in_link(programs: Programs, data: Path, address: str) -> str:
    """A link that signs in once, as a reviewer who is made at the first run. Raises StationError."""
    try:
        return _last_line_of(programs, ["people", "link", WATCHER, address, "--data", str(data)])
    except StationError:
        wanted = ["people", "add", WATCHER, "--role", ROLE, "--link", address, "--data", str(data)]
        return _last_line_of(programs, wanted)


def _last_line_of(programs: Programs, words: list[str]) -> str:
    answer = subprocess.run(
        [*programs.service, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment_of_children(),
    )
    if answer.returncode != 0 or not answer.stdout.strip():
        said = answer.stderr.strip().splitlines() or ["no message"]
        raise StationError(f"service {' '.join(words[:2])}: {said[-1][:200]}", "run the demo again with another --data")
    return answer.stdout.strip().splitlines()[-1]
