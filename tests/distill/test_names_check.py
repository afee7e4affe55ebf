"""A few named examples of each defect, and how well the others are named by them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from distill.__main__ import app
from distill.names_check import check_names
from inspection.errors import DatasetError
from tests.bundles import make_bundle
from tests.pretrain.command_line import call

SIDE_PX = 256


def write_pictures(root: Path, counts: dict[str, int]) -> None:
    """Grey pictures with a square that is darker, lighter or of another colour; good ones have none."""
    chance = np.random.default_rng(0)
    for kind, count in counts.items():
        (root / "test" / kind).mkdir(parents=True)
        for number in range(count):
            image = chance.normal(128, 2, (SIDE_PX, SIDE_PX, 3))
            if kind != "good":
                image[96:160, 96:160] += {"dark": (-90, -90, -90), "light": (90, 90, 90), "red": (0, 0, 90)}[kind]
            cv2.imwrite(str(root / "test" / kind / f"{number}.png"), image.clip(0, 255).astype(np.uint8))


def test_defects_that_differ_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    write_pictures(tmp_path, {"good": 2, "dark": 6, "light": 8, "red": 3})
    found = check_names(tmp_path / "bundle", tmp_path, 3)
    # As many red pictures as examples: none is left to be named.
    assert set(found.by_defect) == {"dark", "light"}
    assert found.right == pytest.approx(1.0)
    assert found.right + found.wrong + found.unknown == pytest.approx(1)
    assert found.flagged_good_named is None


def test_one_kind_alone_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    write_pictures(tmp_path, {"good": 1, "dark": 6})
    with pytest.raises(DatasetError, match="1 kinds of defects with more than 3 pictures"):
        check_names(tmp_path / "bundle", tmp_path, 3)


def test_the_command_prints_the_shares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bundle(tmp_path / "bundle")
    write_pictures(tmp_path, {"good": 1, "dark": 5, "light": 5})
    asked = ("names", tmp_path / "bundle", "--images", tmp_path, "--examples", "4")
    answer = call(app, capsys, monkeypatch, *asked)
    assert answer.status == 0
    assert answer.figures["right"] == pytest.approx(1.0)
