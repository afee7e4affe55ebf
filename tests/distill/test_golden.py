"""Golden images: stored without loss, judged as recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from distill.golden import judge_golden_files, write_golden_files
from inspection.bundle.manifest import GOLDEN_FOLDER
from inspection.bundle.reader import open_bundle
from inspection.images.decode import read_image
from tests.bundles import INPUT_PX, make_bundle
from tests.distill.small import washer_pixels


def test_golden_files_hold_the_images_byte_for_byte(tmp_path: Path) -> None:
    clean, flawed = washer_pixels(5), washer_pixels(5, flaw=True)
    names = write_golden_files(tmp_path, clean, flawed)
    assert names == [f"{GOLDEN_FOLDER}/{name}.png" for name in ("1-clean", "2-clean", "3-flawed", "4-flawed")]
    for name, expected in zip(names, (clean[0], clean[1], flawed[0], flawed[1]), strict=True):
        assert np.array_equal(read_image(tmp_path / name), expected.numpy())


def test_recorded_answers_are_those_of_the_inspector(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    inspector = open_bundle(tmp_path / "bundle", threads=1)
    grey = torch.full((2, INPUT_PX, INPUT_PX, 3), 128, dtype=torch.uint8)
    grey[:, ::2] += 20
    spotted = grey.clone()
    spotted[:, 20:40, 20:40] = 0
    names = write_golden_files(tmp_path, grey, spotted)
    golden = judge_golden_files(tmp_path, names, inspector)
    assert [image.file for image in golden] == names
    for image in golden:
        answer = inspector.inspect((tmp_path / image.file).read_bytes())
        assert (image.local_score, image.global_score) == (answer.local_score, answer.global_score)
        assert image.verdict == answer.verdict
    assert golden[0].verdict != golden[2].verdict


def test_images_that_are_held_for_their_quality_are_no_golden_images(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    inspector = open_bundle(tmp_path / "bundle", threads=1)
    black = torch.zeros(2, INPUT_PX, INPUT_PX, 3, dtype=torch.uint8)
    names = write_golden_files(tmp_path, black, washer_pixels(2))
    golden = judge_golden_files(tmp_path, names, inspector)
    assert [image.file for image in golden] == names[2:]
    assert sorted(path.name for path in (tmp_path / GOLDEN_FOLDER).iterdir()) == ["3-flawed.png", "4-flawed.png"]
