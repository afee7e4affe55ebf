"""Finished stages are reused, unfinished ones go on, changed ones are done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.stage_book import Stage, StageBook, listing_sha256


class Work:
    """Counts calls; makes the output, then fails when told to."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.resumed: list[bool] = []
        self.fails = False

    def __call__(self, resume: bool) -> None:
        self.resumed.append(resume)
        self.output.mkdir(exist_ok=True)
        if self.fails:
            raise RuntimeError("interrupted")

    def stage(self, minutes: float = 1.0) -> Stage:
        return Stage("pretrain", {"minutes": minutes}, self.output, self)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "run")


def test_a_finished_stage_is_reused_with_its_time(work: Work, tmp_path: Path) -> None:
    book = StageBook(tmp_path / "stages")
    first = book.complete(work.stage())
    second = StageBook(tmp_path / "stages").complete(work.stage())
    assert work.resumed == [False]
    assert not first.reused
    assert second.reused
    assert second.seconds == first.seconds


def test_an_unfinished_stage_goes_on(work: Work, tmp_path: Path) -> None:
    book = StageBook(tmp_path / "stages")
    work.fails = True
    with pytest.raises(RuntimeError):
        book.complete(work.stage())
    work.fails = False
    assert not book.complete(work.stage()).reused
    assert work.resumed == [False, True]


def test_other_inputs_start_afresh(work: Work, tmp_path: Path) -> None:
    book = StageBook(tmp_path / "stages")
    book.complete(work.stage())
    book.complete(work.stage(minutes=2.0))
    assert work.resumed == [False, False]


def test_a_missing_output_is_made_again(work: Work, tmp_path: Path) -> None:
    book = StageBook(tmp_path / "stages")
    book.complete(work.stage())
    work.output.rmdir()
    book.complete(work.stage())
    assert work.resumed == [False, False]


def test_a_damaged_marker_counts_for_nothing(work: Work, tmp_path: Path) -> None:
    book = StageBook(tmp_path / "stages")
    book.complete(work.stage())
    (tmp_path / "stages" / "pretrain.json").write_text("{")
    book.complete(work.stage())
    assert work.resumed == [False, False]


def test_the_listing_notices_a_changed_picture(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(b"one")
    before = listing_sha256(tmp_path, paths)
    assert listing_sha256(tmp_path, reversed(paths)) == before
    paths[0].write_bytes(b"other")
    assert listing_sha256(tmp_path, paths) != before
