"""What a night's limits promise: more is asked of people only where known defects make it pay."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from sqlalchemy import select

from inspection.calibration.both_limits import set_both_limits
from inspection.calibration.thresholds import CalibrationTarget
from inspection.verdict import Verdict
from service.costs import CostInputs
from service.nightly.limits import Budgets, Scored, choose_target
from service.nightly.plan import NightPlan
from service.nightly.record import find_rows
from service.review.operations import Decision, decide
from service.review.schemas import DispositionRequest
from service.review.tables import WaitingPart
from tests.service.nightly.looking import diary
from tests.service.nightly.plant import Plant

BASE = CalibrationTarget(flagged_rate=0.01)
BUDGETS = Budgets(flagged=0.1, failed=0.02)


def scored(local: np.ndarray) -> Scored:
    return Scored(local, np.full(len(local), 0.1) + np.arange(len(local)) * 1e-6)


def good(count: int = 2000) -> Scored:
    return scored(np.random.default_rng(1).gamma(9.0, 0.1, count))


def choose(defects: np.ndarray, *, defect_rate: float = 0.01, costs: CostInputs | None = None) -> CalibrationTarget:
    parts = good()
    return choose_target(
        parts,
        np.zeros(len(parts), dtype=bool),
        scored(defects),
        base=BASE,
        budgets=BUDGETS,
        defect_rate=defect_rate,
        costs=costs or CostInputs(),
    )


def test_defects_that_stand_apart_leave_the_champions_promise() -> None:
    chosen = choose(np.linspace(9, 12, 30))
    assert (chosen.flagged_rate, chosen.failed_rate) == (0.01, 0.02)


def test_defects_among_good_scores_are_worth_a_persons_time() -> None:
    close = np.linspace(1.2, 2.2, 30)
    assert 0.01 < choose(close).flagged_rate <= 0.1
    limits = [
        set_both_limits(good().local_scores, good().global_scores, target).thresholds
        for target in (BASE, choose(close))
    ]
    escaped = [scored(close).verdicts(one).count(Verdict.PASS) for one in limits]
    assert escaped[1] < escaped[0]


def test_the_score_that_tells_defects_apart_gets_more_of_the_promise() -> None:
    assert choose(np.linspace(1.2, 2.2, 30)).local_share > 0.5
    # Where all defects stand apart anyway, both go halves.
    assert choose(np.linspace(9, 12, 30)).local_share == 0.5


def test_where_an_escape_costs_nothing_nobody_is_asked_more() -> None:
    assert choose(np.linspace(1.2, 2.2, 30), costs=CostInputs(escape_cost=0)).flagged_rate == 0.01


def test_few_known_defects_say_nothing() -> None:
    assert choose(np.array([1.3, 1.4])).flagged_rate == 0.01


def test_whom_a_person_has_cleared_is_no_stray_and_is_not_failed() -> None:
    local = np.concatenate([good(300).local_scores, [6.0, 6.1]])
    cleared = np.arange(len(local)) == len(local) - 1
    parts = scored(local)
    alone = set_both_limits(parts.local_scores, parts.global_scores, BASE)
    told = set_both_limits(parts.local_scores, parts.global_scores, BASE, is_cleared=cleared)
    assert alone.is_stray[-2:].tolist() == [True, True]
    assert told.is_stray[-2:].tolist() == [True, False]
    wide = set_both_limits(
        parts.local_scores, parts.global_scores, BASE.model_copy(update={"failed_rate": 0.02}), is_cleared=cleared
    )
    assert wide.thresholds.local_score.fail_limit >= 6.1


def test_costs_of_a_line_are_refused_by_name() -> None:
    plan = NightPlan.model_validate({"lines": [{"costs": {"escape_cost": 3000}}]})
    assert plan.lines[0].costs.escape_cost == 3000
    with pytest.raises(ValueError, match="price"):
        NightPlan.model_validate({"lines": [{"costs": {"price": 1}}]})


def test_a_night_tells_the_trainer_what_people_said_and_asks_about_strays(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared = images_of(plant, ids := plant.add_parts(4, lot="L-2"))
    for number in ids:
        request = DispositionRequest(decision=Decision.FALSE_ALARM)
        decide(plant.database, number, request, reviewer="Aiko Tanaka")
    strays = plant.add_parts(2, lot="L-2")
    monkeypatch.setenv("FAKE_STRAYS", " ".join([*images_of(plant, strays), cleared[0]]))
    night = plant.run(plant.workshop())
    [words] = [line for line in diary(plant) if line.startswith("distill recalibrate")]
    assert "--flagged-rate 0.1 --confidence 0.9 --failed-rate 0.3 --local-share 0.5" in words
    with (plant.settings.data / "nights" / night.name / "decisions.csv").open() as file:
        told = {row["image"]: row["decision"] for row in csv.DictReader(file)}
    assert told == dict.fromkeys(cleared, "false_alarm")
    # What a person has decided about is not asked again.
    with plant.database.reading() as session:
        assert set(session.scalars(select(WaitingPart.inspection_id))) == set(strays)


def images_of(plant: Plant, numbers: list[int]) -> list[str]:
    with plant.database.reading() as session:
        return [str(row.image_sha256) for row in find_rows(session, numbers)]
