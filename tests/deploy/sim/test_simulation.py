"""The simulated plant in short: every part of a night is there, and what is counted is the truth."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.demo.lots import Lot
from deploy.sim import production
from deploy.sim.__main__ import app
from deploy.sim.golden import Golden
from deploy.sim.happenings import NEW_KIND, Course, part_kinds
from deploy.sim.kensa import Kensa
from deploy.sim.plants import AlwaysPromotes, Mistakes, Replay, learn
from deploy.sim.production import Batch, Line, join
from deploy.sim.simulation import NightReport, SimPlan, is_worse, simulate
from deploy.sim.student import Student, train
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.errors import ConfigError
from inspection.verdict import Verdict
from service.drift.tables import DriftKind
from service.nightly.gate.policy import GatePolicy

EASY = GatePolicy(escape_margin=0.9, overkill_budget=1.0, flagged_budget=1.0, overkill_margin=0.9, flagged_margin=0.9)
SHORT = SimPlan(night_count=6, part_count=14, golden_good=5, golden_defective=5, setup_days=3, seed=3, policy=EASY)


def sketch(lot: Lot, serial: int, seed: int, kind: str | None) -> np.ndarray:
    """A part in a hundredth of the time: a disc on grey, as bright as its lot, with a spot where it is defective."""
    rng = np.random.default_rng([seed, serial])
    picture = np.full((128, 128, 3), 90.0) * lot.exposure * np.array(lot.tint) / 0.6
    cv2.circle(picture, (64, 64), 50, (150.0 * lot.exposure,) * 3, -1)
    picture += rng.normal(0, 4 + 30 * lot.groove_depth, picture.shape)
    if kind is not None:
        spot = (int(rng.integers(40, 88)), int(rng.integers(40, 88)))
        cv2.circle(picture, spot, 9, (10.0, 10.0, 10.0), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "render_picture", sketch)


@pytest.mark.usefixtures("sketched")
def test_all_three_plants_live_through_everything() -> None:
    reports: list[NightReport] = []
    outcome = simulate(SHORT, reports.append)
    assert [report.number for report in reports] == [1, 2, 3, 4, 5, 6]
    assert "no GPU" in reports[0].done
    assert {report.told for report in reports} >= {
        "GPU lost",
        "new supplier",
        "contaminated day",
        f"new defect: {NEW_KIND}",
    }
    figures = outcome.figures()
    assert list(figures) == ["kensa", "never_retrains", "always_promotes", "nights_worse_than_champion"]
    for name, mistakes in outcome.mistakes.items():
        assert figures[name] == {"escapes": mistakes.escapes, "overkill": mistakes.overkill}
        assert mistakes.good + mistakes.defective == 6 * 14
        todays = [report.mistakes[name] for report in reports]
        assert mistakes.escapes == sum(one.escapes for one in todays)
    assert outcome.promotion_count + outcome.recalibration_count > 0


@pytest.mark.usefixtures("sketched")
def test_the_command_ends_with_its_figures() -> None:
    answer = CliRunner().invoke(app, ["--nights", "1", "--parts", "10", "--no-engineer"])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout.strip().splitlines()[-1])
    assert set(figures) == {"kensa", "never_retrains", "always_promotes", "nights_worse_than_champion"}
    assert set(figures["kensa"]) == {"escapes", "overkill"}


def test_parts_of_the_demo_tell_sound_from_defective() -> None:
    line = Line(Course(30), 8, 20)
    batch = join([line.make_day(day) for day in (-2, -1, 0)])
    sound = batch.only([place for place, part in enumerate(batch.parts) if part.kind is None])
    student = train("tiny", sound.features[:15], sound.features[15:])
    local_scores, _ = student.score(batch.features)
    is_defective = np.array([part.kind is not None for part in batch.parts])
    assert np.median(local_scores[is_defective]) > np.median(local_scores[~is_defective])


def line_of(days: int = 30) -> Line:
    return Line(Course(days), 14, 3)


@pytest.mark.usefixtures("sketched")
def test_the_same_seed_makes_the_same_parts() -> None:
    first, again = line_of().make_day(3), line_of().make_day(3)
    assert [part.image for part in first.parts] == [part.image for part in again.parts]
    assert np.array_equal(first.features, again.features)


def test_the_course_of_the_plant() -> None:
    course = Course(30)
    rng = np.random.default_rng(0)
    new, old = course.lots(1, rng)[0], course.lots(30, rng)[0]
    assert course.lots(30, np.random.default_rng(0))[0].exposure < course.lots(0, np.random.default_rng(0))[0].exposure
    assert (new.name, old.name) == ("D01A", "D30A")
    assert NEW_KIND not in course.kinds(course.new_kind - 1)
    assert NEW_KIND in course.kinds(course.new_kind)
    kinds = list(part_kinds(40, course.defect_rate(course.contaminated), course.kinds(1), rng))
    assert sum(kind is not None for kind in kinds) == 16


def sound(line: Line, days: range) -> Batch:
    batch = join([line.make_day(day) for day in days])
    return batch.only([place for place, part in enumerate(batch.parts) if part.kind is None])


def make_kensa(line: Line, policy: GatePolicy = EASY) -> tuple[Kensa, Student]:
    past = sound(line, range(-3, 1))
    champion = learn("set-up", past)
    assert champion is not None
    golden = Golden()
    reviewed = line.make_golden(4, 4)
    for part, features in zip(reviewed.parts, reviewed.features, strict=True):
        golden.add(part, features, part.kind)
    return Kensa(champion, golden, Replay(50, kept=[past]), policy), champion


@pytest.mark.usefixtures("sketched")
def test_the_gate_decides_and_too_little_evidence_keeps_the_champion() -> None:
    line = line_of()
    day = line.make_day(1)
    easy, _ = make_kensa(line)
    assert easy.spend_night(1, day, easy.judge(day), has_gpu=True).startswith("promoted")
    strict, champion = make_kensa(line, GatePolicy())
    assert strict.spend_night(1, day, strict.judge(day), has_gpu=True).startswith("kept: undecided")
    assert strict.champion is champion
    assert strict.spend_night(2, day, strict.judge(day), has_gpu=False).startswith("kept: no GPU")


@pytest.mark.usefixtures("sketched")
def test_golden_parts_are_never_learned_from() -> None:
    line = line_of()
    kensa, _ = make_kensa(line)
    for number in range(1, 4):
        day = line.make_day(number)
        kensa.spend_night(number, day, kensa.judge(day), has_gpu=True)
    learned = {part.image for batch in kensa.replay.kept for part in batch.parts}
    assert len(kensa.golden.images) > 8
    assert not learned & set(kensa.golden.images)


@pytest.mark.usefixtures("sketched")
def test_the_engineer_recalibrates_after_days_of_trouble() -> None:
    line = line_of()
    kensa, champion = make_kensa(line, GatePolicy())
    kensa.drifted = {DriftKind.GLOBAL}
    said = [kensa.spend_night(n, day := line.make_day(n), kensa.judge(day), has_gpu=True) for n in (1, 2)]
    assert said[0].startswith("kept")
    assert said[1].startswith("recalibrated by the engineer")
    assert (kensa.champion is not champion, kensa.drifted) == (True, set())
    alone, champion = make_kensa(line, GatePolicy())
    alone.has_engineer, alone.drifted = False, {DriftKind.GLOBAL}
    for number in (1, 2, 3):
        alone.spend_night(number, day := line.make_day(number), alone.judge(day), has_gpu=True)
    assert alone.champion is champion


@pytest.mark.usefixtures("sketched")
def test_a_drift_of_the_view_holds_more() -> None:
    line = line_of()
    kensa, champion = make_kensa(line)
    day = line.make_day(2)
    before = kensa.judge(day)
    kensa.drifted = {DriftKind.GLOBAL}
    after = kensa.judge(day)
    assert sum(one.verdict is Verdict.PASS for one in after) <= sum(one.verdict is Verdict.PASS for one in before)
    assert [one.local_score for one in after] == [one.local_score for one in before]
    assert [one.verdict for one in champion.judge(day.features)] == [one.verdict for one in before]


@pytest.mark.usefixtures("sketched")
def test_wrong_labels_are_wrong_and_a_worse_model_is_told() -> None:
    line = line_of()
    kensa, champion = make_kensa(line)
    right = list(kensa.golden.labels)
    kensa.golden.mislabel()
    assert sum(one != other for one, other in zip(right, kensa.golden.labels, strict=True)) == 2
    assert kensa.golden.labels.count(None) == right.count(None)
    following = [line.make_day(day) for day in (3, 4)]
    wary, blind = (with_limits(champion, limit) for limit in (-1e6, 1e6))
    assert is_worse(wary, blind, following, GatePolicy())
    assert not is_worse(blind, wary, following, GatePolicy())


def with_limits(student: Student, limit: float) -> Student:
    """The same scores, both passed up to `limit`."""
    limits = Limits(pass_limit=limit, fail_limit=limit + 1e7)
    return replace(student, thresholds=Thresholds(local_score=limits, global_score=limits))


@pytest.mark.usefixtures("sketched")
def test_golden_parts_are_drawn_by_chance_and_flagged_ones_are_known_to_the_limits() -> None:
    line = line_of()
    kensa, champion = make_kensa(line)
    # A champion that flags everything chooses no golden part by it.
    kensa.champion = with_limits(champion, -1e6)
    day = line.make_day(1)
    kensa.spend_night(1, day, kensa.judge(day), has_gpu=False)
    assert len(kensa.golden.images) == 8 + 1
    assert len(kensa.flagged) == len(day.parts) - 1
    assert not {one.image for one in kensa.flagged} & set(kensa.golden.images)
    assert len(kensa.defects) + len(kensa.cleared) == len(kensa.flagged)
    asked = kensa.golden.evidence(kensa.champion, champion, with_limits(champion, 1e6), kensa.flagged)
    assert {part.image for part in asked.replay} == {one.image for one in kensa.flagged}
    assert len(asked.anchored) == len(asked.golden) == 9


@pytest.mark.usefixtures("sketched")
def test_a_golden_part_has_the_same_scores_whenever_it_is_judged() -> None:
    line = line_of()
    kensa, champion = make_kensa(line)
    golden, day = kensa.golden, line.make_day(1)
    golden.evidence(champion, champion, champion)
    golden.add(day.parts[0], day.features[0], None)
    pairs = golden.evidence(champion, champion, champion).golden
    together = champion.judge(np.stack(golden.features))
    assert [pair.champion for pair in pairs] == [one.verdict for one in together]
    assert len(golden.scores[champion.name][0]) == len(pairs) == 9


@pytest.mark.usefixtures("sketched")
def test_whoever_always_promotes_asks_nobody() -> None:
    line = line_of()
    champion = learn("set-up", sound(line, range(-3, 1)))
    assert champion is not None
    plant = AlwaysPromotes(champion, [sound(line, range(-3, 1))])
    day = line.make_day(1)
    assert plant.spend_night(1, day, plant.judge(day), has_gpu=False) == "kept"
    assert plant.champion is champion
    assert plant.spend_night(2, day, plant.judge(day), has_gpu=True) == "promoted"
    assert plant.champion is not champion


def test_mistakes_are_counted_against_the_truth() -> None:
    line = Line(Course(5), 4, 1)
    assert Mistakes() == Mistakes(0, 0, 0, 0, 0)
    with pytest.raises(ConfigError, match="too few to begin with"):
        simulate(SimPlan(night_count=1, part_count=1, golden_good=1, golden_defective=1, setup_days=2))
    assert line.part_count == 4
