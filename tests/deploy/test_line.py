"""The simulated line's folder: lots apart, defects counted, and nothing posted that training saw."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from deploy.demo.defects import KINDS
from deploy.demo.line import LinePlan, part_sequence, read_line, write_line
from deploy.demo.lots import STREAM_LOTS, TRAINING_LOTS
from inspection.images.folders import find_pictures

PLAN = LinePlan(seed=4, training_count=8, training_defect_rate=0.13, stream_count=6, stream_defect_rate=0.34)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    write_line(folder, PLAN)
    return folder


def test_training_is_one_folder_per_lot(line: Path) -> None:
    pictures = find_pictures(read_line(line).training)
    assert Counter(picture.lot for picture in pictures) == {lot.name: 2 for lot in TRAINING_LOTS}


def test_the_stream_is_labelled_and_from_other_lots(line: Path) -> None:
    material = read_line(line)
    assert len(material.shots) == 6
    assert {shot.lot for shot in material.shots} == {lot.name for lot in STREAM_LOTS}
    assert sum(bool(shot.is_defective) for shot in material.shots) == 2
    assert not {shot.path for shot in material.shots} & {p.path for p in find_pictures(material.training)}


def test_each_defective_part_has_its_mask(line: Path) -> None:
    defective = [entry for entry in json.loads((line / "truth.json").read_text()) if entry["kind"]]
    assert len(defective) == 3
    for entry in defective:
        mask = cv2.imread(str(line / "ground_truth" / entry["lot"] / f"{entry['serial']:04d}.png"), -1)
        assert mask is not None
        assert set(np.unique(mask)) == {0, 255}


def test_every_kind_of_defect_has_its_turn() -> None:
    parts = list(part_sequence(STREAM_LOTS, 140, 0.25, 1, seed=2))
    counts = Counter(kind for _, _, kind in parts if kind)
    assert counts.total() == 35
    assert set(counts) == set(KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({serial for _, serial, _ in parts}) == 140


def test_the_default_training_set_is_slightly_contaminated() -> None:
    plan = LinePlan()
    parts = list(part_sequence(TRAINING_LOTS, plan.training_count, plan.training_defect_rate, 1, plan.seed))
    assert sum(kind is not None for _, _, kind in parts) == 3
