"""The count against the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.shots import Shot
from deploy.demo.tally import Answer, Tally
from inspection.verdict import Verdict


def tally_of(*entries: tuple[str | None, Verdict, float | None]) -> Tally:
    """A count with (truth, verdict, part score) of each part."""
    return Tally(
        [
            (Shot(Path("x.png"), "x", "lot", truth), Answer("id", verdict, score, 0.01))
            for truth, verdict, score in entries
        ]
    )


def test_auroc_ranks_defective_parts_above_good_ones() -> None:
    tally = tally_of(
        ("good", Verdict.PASS, 0.2),
        ("good", Verdict.HOLD, 1.1),
        ("dent", Verdict.PASS, 0.9),
        ("stain", Verdict.FAIL, 3.0),
    )
    assert tally.image_auroc() == pytest.approx(0.75)
    assert [(truth, auroc) for truth, _, auroc in tally.by_truth()] == [
        ("good", None),
        ("dent", pytest.approx(0.5)),
        ("stain", pytest.approx(1.0)),
    ]


def test_without_truth_there_is_no_auroc_and_no_escape() -> None:
    tally = tally_of((None, Verdict.PASS, 0.2), (None, Verdict.FAIL, 4.0))
    assert tally.image_auroc() is None
    assert tally.by_truth() == []
    assert tally.escapes() == (0, 0)
    assert tally.overkill() == (0, 0)


def test_held_parts_are_neither_escapes_nor_overkill() -> None:
    tally = tally_of(("good", Verdict.HOLD, None), ("dent", Verdict.HOLD, None))
    assert tally.escapes() == (0, 1)
    assert tally.overkill() == (0, 1)
    assert tally.image_auroc() is None
