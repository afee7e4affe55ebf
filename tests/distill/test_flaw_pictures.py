"""Pictures with drawn flaws: as many as there were, changed in a place, and the same at every try."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.flaw_pictures import draw_flaw_pictures
from inspection.errors import DatasetError
from inspection.images.decode import decode_image, encode_png
from tests.pretrain.washers import washer


def fill(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"part-{number}.png").write_bytes(encode_png(washer(number)))
    return folder


def test_every_picture_gets_a_flaw_of_its_own(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 9)
    names = draw_flaw_pictures(images, tmp_path / "out", 64, 3)
    assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())
    changes = []
    for name in names:
        before = decode_image((images / name).read_bytes()).astype(int)
        after = decode_image((tmp_path / "out" / name).read_bytes()).astype(int)
        changes.append((np.abs(after - before).mean(axis=2) > 2).mean())
    # Some are as good as invisible, as real ones are; none covers the part.
    assert sum(change > 0 for change in changes) >= 7
    assert max(changes) < 0.6
    again = draw_flaw_pictures(images, tmp_path / "again", 64, 3)
    assert [(tmp_path / "again" / name).read_bytes() for name in again] == [
        (tmp_path / "out" / name).read_bytes() for name in names
    ]


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="3 readable images"):
        draw_flaw_pictures(fill(tmp_path / "images", 3), tmp_path / "out", 64, 0)
