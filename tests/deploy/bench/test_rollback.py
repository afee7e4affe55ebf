"""The benchmark of the way back: a real service goes back, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from deploy.bench.rollback import Returned, app, summarise
from tests.bundles import make_bundle


def test_median_longest_and_wrong_ones_are_told() -> None:
    found = [Returned(3.0, 5.0, 9.0, True), Returned(1.0, 2.0, 4.0, False), Returned(2.0, 4.0, 8.0, True)]
    assert summarise(found) == {
        "took_ms": 2.0, "longest_took_ms": 3.0, "answered_ms": 4.0, "longest_answered_ms": 5.0, "judged_ms": 8.0,
        "longest_judged_ms": 9.0, "wrong_count": 1,
    }  # fmt: skip


def test_a_real_service_judges_by_the_champion_before(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    data = tmp_path / "bench"
    data.mkdir()
    words = ["--tries", "2", "--only", "sqlite", "--bundle", str(tmp_path / "bundle"), "--data", str(data)]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout.strip().splitlines()[-1])
    assert (figures["goal_ms"], figures["sqlite"]["wrong_count"]) == (1000.0, 0)
    assert 0 < figures["sqlite"]["took_ms"] <= figures["sqlite"]["longest_judged_ms"]
    assert len(json.loads((data / "rollback.json").read_text())["sqlite"]) == 2


def test_another_database_is_refused() -> None:
    answer = CliRunner().invoke(app, ["--only", "oracle"])
    assert answer.exit_code != 0
    assert "oracle" in str(answer.exception)
