"""The gate's simulation: its models have the rates that it says, and what it prints can be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.bench.gate import __main__ as command
from deploy.bench.gate import tally as counting
from deploy.bench.gate.plant import Case, draw
from deploy.bench.gate.tally import Tally
from inspection.verdict import Verdict
from service.nightly.gate.evidence import Evidence
from service.nightly.gate.policy import GatePolicy


def rate(found: Evidence, who: str, wrong: Verdict, *, defective: bool) -> float:
    judged = [getattr(part, who) for part in found.golden if (part.defect is not None) == defective]
    return sum(verdict is wrong for verdict in judged) / len(judged)


def test_both_models_have_their_true_rates() -> None:
    case = Case("worse", 20_000, 20_000, escape_change=0.05, overkill_change=0.04)
    found = draw(case, np.random.default_rng(0))
    assert rate(found, "champion", Verdict.PASS, defective=True) == pytest.approx(0.10, abs=0.01)
    assert rate(found, "challenger", Verdict.PASS, defective=True) == pytest.approx(0.15, abs=0.01)
    assert rate(found, "champion", Verdict.FAIL, defective=False) == pytest.approx(0.01, abs=0.003)
    assert rate(found, "challenger", Verdict.FAIL, defective=False) == pytest.approx(0.05, abs=0.006)


def test_a_blind_model_misses_its_kind_and_is_no_worse_on_the_whole() -> None:
    found = draw(Case("blind", 20_000, 10, escape_rate=0.25, blind_kind=True), np.random.default_rng(0))
    missed = [part.challenger for part in found.golden if part.defect == "kind 0"]
    assert set(missed) == {Verdict.PASS}
    assert rate(found, "challenger", Verdict.PASS, defective=True) == pytest.approx(0.25, abs=0.02)


def test_the_table_and_its_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "SIZES", ((40, 60),))
    ran = CliRunner().invoke(command.app, ["--seeds", "10", "--out", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    figures = json.loads(ran.output.splitlines()[-1])
    assert figures["worst_passed_rate_of_worse"] <= figures["goal"]
    assert len(figures["cases"]) == 8


def test_a_stopped_run_goes_on_and_comes_to_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case, drawn = Case("better", 60, 40, escape_change=-0.09), []

    def draw_and_tell(asked: Case, rng: np.random.Generator) -> Evidence:
        drawn.append(asked)
        if len(drawn) == 8:
            raise KeyboardInterrupt
        return draw(asked, rng)

    whole = Tally(tmp_path / "whole", GatePolicy()).count_passed(case, 12, 7)
    monkeypatch.setattr(counting, "draw", draw_and_tell)
    with pytest.raises(KeyboardInterrupt):
        Tally(tmp_path, GatePolicy()).count_passed(case, 12, 7)
    assert Tally(tmp_path, GatePolicy()).count_passed(case, 12, 7) == whole
    # The two nights after the last that was written are all that is counted again.
    assert len(drawn) == 8 + 7
    assert Tally(tmp_path, GatePolicy()).count_passed(case, 12, 7) == whole
    assert Tally(tmp_path, GatePolicy(patience=1)).count_passed(case, 12, 7) <= whole
    assert len(drawn) == 8 + 7 + 12
