"""A stand-in for `python -m pretrain` and `python -m distill`: makes the output folder and notes its options.

`FAKE_TRAINING` in the environment chooses a mood: `fail` ends with an error, `hang` starts a child of its own
and waits, both without finishing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    out = Path(sys.argv[sys.argv.index("--out") + 1])
    out.mkdir(parents=True, exist_ok=True)
    with (out.parent / "commands.jsonl").open("a") as notes:
        notes.write(json.dumps(sys.argv[1:]) + "\n")
    mood = os.environ.get("FAKE_TRAINING")
    if mood == "fail":
        sys.exit(3)
    if mood == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (out.parent / "hanging.pid").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
