"""The gate's questions: what passes, what keeps the champion, and what is said to be missing."""

from __future__ import annotations

import pytest

from service.nightly.gate.check import Answer, Question
from service.nightly.gate.decision import GateReport, decide
from service.nightly.gate.evidence import Evidence, JudgedPart, Proofs
from service.nightly.gate.policy import GatePolicy
from tests.service.nightly.judged import FAIL, HOLD, PASS, defective, evidence, parts

POLICY = GatePolicy()


def answer(found: Evidence, question: Question, policy: GatePolicy = POLICY) -> Answer:
    return decide(found, policy).check(question).answer


def test_an_equal_model_passes_where_the_parts_suffice() -> None:
    report = decide(evidence(*defective(60)), POLICY)
    assert report.passed
    assert not report.failures
    assert 0 < report.check(Question.ESCAPES).figures["bound"] <= 0.05


def test_too_few_parts_keep_the_champion_and_say_how_many_are_missing() -> None:
    report = decide(evidence(*defective(20)), POLICY)
    assert not report.passed
    assert [check.question for check in report.open_questions] == [Question.ESCAPES]
    assert report.check(Question.ESCAPES).further_count == 39


def test_no_golden_part_decides_nothing() -> None:
    report = decide(
        Evidence(golden=(), proofs=evidence().proofs, champion_latency_ms=1, challenger_latency_ms=1), POLICY
    )
    assert {check.question for check in report.open_questions} == {
        Question.ESCAPES,
        Question.OVERKILL,
        Question.FLAGGED,
    }
    assert report.check(Question.ESCAPES).needed_count == 59
    assert not report.failures


def test_one_escape_more_than_are_mended_fails() -> None:
    report = decide(evidence(*defective(150, lost=2, gained=1)), POLICY)
    escapes = report.check(Question.ESCAPES)
    assert escapes.answer is Answer.FAILED
    assert len(escapes.names) == 2
    assert escapes.figures["champion"] == 1
    assert escapes.figures["challenger"] == 2


def test_mended_escapes_make_up_for_others() -> None:
    assert answer(evidence(*defective(100, lost=1, gained=4)), Question.ESCAPES) is Answer.PASSED


def test_holding_everything_is_no_way_through() -> None:
    found = evidence(*defective(40, gained=20), *parts(200, PASS, HOLD))
    report = decide(found, POLICY)
    assert report.check(Question.ESCAPES).answer is Answer.PASSED
    assert report.check(Question.OVERKILL).answer is Answer.PASSED
    assert report.check(Question.FLAGGED).answer is Answer.FAILED
    assert not report.passed


def test_overkill_beyond_its_budget_fails() -> None:
    found = evidence(*defective(60), *parts(290, PASS, PASS), *parts(10, PASS, FAIL))
    assert answer(found, Question.OVERKILL) is Answer.FAILED
    assert answer(found, Question.OVERKILL, GatePolicy(overkill_budget=0.08)) is Answer.PASSED


def test_a_champion_over_the_budget_may_be_followed_by_a_better_one() -> None:
    found = evidence(*defective(60), *parts(250, PASS, PASS), *parts(30, FAIL, FAIL), *parts(20, FAIL, PASS))
    assert answer(found, Question.OVERKILL) is Answer.PASSED


def test_a_few_good_parts_leave_overkill_open() -> None:
    check = decide(evidence(*defective(60), *parts(30, PASS, PASS)), POLICY).check(Question.OVERKILL)
    assert check.answer is Answer.UNDECIDED
    assert check.needed_count == 149


def test_a_kind_that_collapses_fails_though_all_in_all_it_is_better() -> None:
    found = evidence(*defective(90, gained=10, kind="dent"), *defective(2, lost=3, kind="crack"))
    report = decide(found, POLICY)
    assert report.check(Question.ESCAPES).answer is Answer.PASSED
    kinds = report.check(Question.KINDS)
    assert kinds.answer is Answer.FAILED
    assert kinds.names == ("crack",)


def test_one_lost_part_is_no_collapse() -> None:
    found = evidence(*defective(90, gained=10), *defective(1, lost=1, kind="crack"))
    assert answer(found, Question.KINDS) is Answer.PASSED


def test_known_defects_lost_in_the_replay_fail() -> None:
    few = evidence(*defective(60), replay=defective(38, lost=2))
    many = evidence(*defective(60), replay=defective(20, lost=20))
    assert answer(few, Question.REPLAY) is Answer.PASSED
    assert answer(many, Question.REPLAY) is Answer.FAILED
    assert len(decide(many, POLICY).check(Question.REPLAY).names) == 20


def test_a_replay_cannot_speak_for_the_challenger() -> None:
    report = decide(evidence(*defective(10), replay=defective(500)), POLICY)
    assert report.check(Question.ESCAPES).answer is Answer.UNDECIDED
    assert not report.passed


def test_drawn_flaws_speak_against_and_never_for() -> None:
    fine = evidence(*defective(10), synthetic=defective(500, gained=50))
    worse = evidence(*defective(60), synthetic=defective(100, lost=12, gained=2))
    assert not decide(fine, POLICY).passed
    assert answer(fine, Question.SYNTHETIC) is Answer.PASSED
    assert answer(worse, Question.SYNTHETIC) is Answer.FAILED


def test_what_is_not_there_is_not_asked() -> None:
    report = decide(evidence(*defective(60)), POLICY)
    assert report.check(Question.SYNTHETIC).answer is Answer.NOT_ASKED
    assert report.check(Question.REPLAY).answer is Answer.NOT_ASKED
    assert report.passed


@pytest.mark.parametrize(
    "proofs",
    [
        Proofs(verdict_flip_count=1, largest_score_difference=0, tolerance=0.02),
        Proofs(verdict_flip_count=0, largest_score_difference=0.03, tolerance=0.02),
        Proofs(verdict_flip_count=0, largest_score_difference=0, tolerance=0.02, failed_proofs=("promise",)),
    ],
)
def test_a_bundle_that_answers_otherwise_than_in_training_fails(proofs: Proofs) -> None:
    assert answer(evidence(*defective(60), proofs=proofs), Question.PARITY) is Answer.FAILED


def test_latency_is_measured_against_the_champion_or_the_budget() -> None:
    slow = evidence(*defective(60), challenger_latency_ms=20.0)
    assert answer(slow, Question.LATENCY) is Answer.FAILED
    assert answer(slow, Question.LATENCY, GatePolicy(latency_budget_ms=25)) is Answer.PASSED


def test_nothing_of_training_can_be_given_to_the_gate() -> None:
    assert set(Evidence.model_fields) == {
        "golden",
        "replay",
        "synthetic",
        "anchored",
        "proofs",
        "champion_latency_ms",
        "challenger_latency_ms",
    }
    assert set(JudgedPart.model_fields) == {"image", "defect", "champion", "challenger"}


def test_a_report_is_read_back_as_it_was_written() -> None:
    report = decide(evidence(*defective(20, lost=1)), POLICY)
    assert GateReport.model_validate_json(report.model_dump_json()) == report


def test_many_nights_each_no_worse_do_not_add_up() -> None:
    # Beside the champion nothing is lost; beside the anchor a seventh of all is.
    fallen = evidence(*defective(60), anchored=defective(60, lost=10))
    assert answer(fallen, Question.ESCAPES) is Answer.PASSED
    assert answer(fallen, Question.ANCHOR) is Answer.FAILED
    assert not decide(fallen, POLICY).passed
    assert answer(evidence(*defective(60), anchored=defective(58, lost=1, gained=1)), Question.ANCHOR) is Answer.PASSED
    few = decide(evidence(*defective(60), anchored=defective(12)), POLICY).check(Question.ANCHOR)
    assert (few.answer, few.needed_count) == (Answer.UNDECIDED, 29)
    assert answer(evidence(*defective(60)), Question.ANCHOR) is Answer.NOT_ASKED


def test_a_proven_gain_in_escapes_has_some_patience_about_overkill() -> None:
    good = (*parts(176, PASS, PASS), *parts(2, PASS, FAIL))
    gained = evidence(*defective(48, gained=20), *good)
    assert decide(gained, POLICY).passed
    assert decide(gained, POLICY).check(Question.OVERKILL).figures["patience"] == 2.0
    assert answer(evidence(*defective(68), *good), Question.OVERKILL) is Answer.UNDECIDED
    assert answer(gained, Question.OVERKILL, GatePolicy(patience=1)) is Answer.UNDECIDED
    # More than the budget is counted: no gain buys that.
    worse = evidence(*defective(48, gained=20), *parts(172, PASS, PASS), *parts(6, PASS, FAIL))
    assert answer(worse, Question.OVERKILL) is Answer.FAILED


def test_a_proven_gain_in_escapes_may_be_paid_with_peoples_time_up_to_their_capacity() -> None:
    held = (*parts(275, PASS, PASS), *parts(40, PASS, HOLD))
    assert POLICY.flagged_capacity == 0.2
    assert answer(evidence(*defective(48, gained=20), *held), Question.FLAGGED) is Answer.PASSED
    assert answer(evidence(*defective(68), *held), Question.FLAGGED) is Answer.FAILED
    assert answer(evidence(*defective(48, gained=20), *held), Question.FLAGGED, GatePolicy(patience=1)) is Answer.FAILED
    beyond = evidence(*defective(48, gained=20), *parts(250, PASS, PASS), *parts(60, PASS, HOLD))
    assert answer(beyond, Question.FLAGGED) is Answer.FAILED
