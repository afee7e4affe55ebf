"""Everything that is installed, with versions and licences, as a CycloneDX document: .kensa/sbom.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.tools.throwaway import tool

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
OUT = ROOT / ".kensa" / "sbom.json"


def describe(cyclonedx: Path, python: Path, out: Path) -> int:
    """Write the document of `python`'s environment to `out`; the number of packages in it.

    Raises CalledProcessError where the document is not valid by the standard's own schema.
    """
    command = [str(cyclonedx), "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, "--validate", "--output-file", str(out), str(python)], cwd=ROOT, check=True)
    return len(json.loads(out.read_text())["components"])


def main() -> int:
    try:
        with tool("cyclonedx-bom", "cyclonedx-py") as cyclonedx:
            count = describe(cyclonedx, PYTHON, OUT)
    except subprocess.CalledProcessError as error:
        print(f"sbom: {Path(error.cmd[0]).name} ended with status {error.returncode}", file=sys.stderr)
        return 1
    print(f"sbom: {count} packages in {OUT.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
