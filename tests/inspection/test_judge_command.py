"""`python -m inspection judge`: a verdict at a desk, and how much memory a strip takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.images.decode import encode_png
from inspection.images.preprocess import Preprocessing
from inspection.images.tiles import Tiling
from tests.architecture.sources import ROOT
from tests.bundles import INPUT_PX, make_bundle, part_png


def judge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inspection", "judge", *map(str, arguments), "--threads", "1"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def figures_of(answer: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert answer.returncode == 0, answer.stderr
    figures: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def test_verdicts_are_those_of_the_station(built: Path, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(part_png(5))
    (tmp_path / "bad.png").write_bytes(part_png(6, spot=0.9))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    answer = judge(built, *(tmp_path / f"{name}.png" for name in ("good", "bad", "broken")))
    figures = figures_of(answer)
    assert [one["verdict"] for one in figures["answers"]] == ["PASS", "FAIL", "HOLD"]
    assert figures["answers"][2]["reason"] == "image_undecodable"
    assert [one["tiles"] for one in figures["answers"]] == [1, 1, None]
    assert len(figures["answers"][1]["regions"]) == 1
    assert "judged by bundle-" in answer.stdout


def test_a_missing_image_is_told_in_one_line(built: Path, tmp_path: Path) -> None:
    answer = judge(built, tmp_path / "nowhere.png")
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"error: {tmp_path / 'nowhere.png'}: No such file")
    assert answer.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is not told there")
def test_a_strip_takes_bounded_memory(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", preprocessing=Preprocessing(input_px=INPUT_PX, tiles=Tiling(tile_px=512)))
    peaks = {}
    for name, height_px, width_px in (("part", 256, 256), ("strip", 2000, 8000)):
        noise = np.random.default_rng(0).integers(126, 131, (height_px, width_px, 1), dtype=np.uint8)
        (tmp_path / f"{name}.png").write_bytes(encode_png(noise))
        figures = figures_of(judge(tmp_path / "bundle", tmp_path / f"{name}.png"))
        peaks[name] = figures["peak_rss_mb"]
        assert figures["answers"][0]["verdict"] == "PASS"
    assert figures["answers"][0]["tiles"] == 105
    # The strip itself is 16 MB, 17 with the mirrored edge, and its file as much again.
    assert peaks["strip"] - peaks["part"] < 120
