"""The untaught bundle: of distill's default size, and fit to be served."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from deploy.bench.pictures import PictureSource
from inspection.bundle.reader import open_bundle
from inspection.verdict import Verdict
from tests.running_service import ROOT


def test_the_untaught_bundle_serves_and_passes_most(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.bench.student", str(tmp_path / "bundle")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    inspector = open_bundle(tmp_path / "bundle", threads=1)
    assert inspector.bundle_id == made.stdout.strip()
    assert inspector.manifest.preprocessing.input_px == 256
    source = PictureSource(1)
    verdicts = Counter(inspector.inspect(source.next()).verdict for _ in range(120))
    assert verdicts[Verdict.PASS] > 75
    assert len(verdicts) > 1
