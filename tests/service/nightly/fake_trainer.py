"""Stands in for an interpreter with torch: takes the same words, hands out bundles that are there, and keeps a diary.

FAKE_HOME holds `fair` and `blind` bundles and gets the diary; FAKE_WAY says what it does otherwise: `COMMAND=DEED`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

HOME = Path(os.environ["FAKE_HOME"])


def option(name: str) -> Path:
    """The word after that one."""
    return Path(sys.argv[sys.argv.index(name) + 1])


def misbehave(command: str) -> None:
    """As FAKE_WAY asks for this command."""
    words, _, deed = os.environ.get("FAKE_WAY", "").partition("=")
    if words != command:
        return
    if deed == "lost":
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "full":
        sys.exit("error: teacher: not written (No space left on device): free some space or choose another folder")
    elif deed == "refuse":
        sys.exit("error: --init: its tensors fit no resnet18")
    elif deed == "wait":
        (HOME / "waits").write_text("")
        while not (HOME / "go").exists():
            time.sleep(0.02)


def pretrain() -> dict[str, object]:
    """A run in name only."""
    out = option("--out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "run.json").write_text(json.dumps({"minutes": float(str(option("--minutes")))}))
    misbehave("pretrain")
    pictures = sorted(path.name for path in option("--images").rglob("*.png"))
    (out / "encoder.safetensors").write_text("\n".join(pictures))
    return {"images": len(pictures)}


def distill(command: str) -> dict[str, object]:
    """A bundle that was there."""
    misbehave(command)
    if command == "build":
        shutil.copytree(HOME / os.environ.get("FAKE_STUDENT", "fair"), option("--out"), dirs_exist_ok=True)
    elif command == "recalibrate":
        shutil.copytree(sys.argv[sys.argv.index("recalibrate") + 1], option("--out"), dirs_exist_ok=True)
        return {"bundle": str(option("--out")), "left_out": os.environ.get("FAKE_STRAYS", "").split()}
    elif command == "flaw":
        names = sorted(path.name for path in option("--images").iterdir())
        option("--out").mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(HOME / "flawed.png", option("--out") / name)
        return {"pictures": len(names)}
    else:
        failing = os.environ.get("FAKE_WAY") == "verify=failing"
        return {"passed": not failing, "checks": {"digests": True, "promise": not failing}}
    return {"bundle": str(option("--out"))}


module, command = sys.argv[sys.argv.index("-m") + 1 :][:2]
print("the trainer works", file=sys.stderr)
answer = pretrain() if module == "pretrain" else distill(command)
with (HOME / "diary.txt").open("a") as diary:
    print(module, *sys.argv[sys.argv.index(module) + 1 :], file=diary)
with (HOME / "answers.txt").open("a") as answers:
    print(json.dumps(answer), file=answers)
print(json.dumps(answer))
