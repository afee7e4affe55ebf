"""Limits of both scores together: however they share the target, they keep it."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.calibration.both_limits import join_promises, set_both_limits, share_target
from inspection.calibration.thresholds import CalibrationTarget


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9])
def test_both_scores_together_flag_no_more_than_the_target(share: float) -> None:
    rng = np.random.default_rng(3)
    target = CalibrationTarget(flagged_rate=0.1, confidence=0.9, local_share=share)
    kept = 0
    for _ in range(200):
        # Independent scores: what either flags is the sum of both, the worst that can be.
        limits = set_both_limits(*rng.uniform(size=(2, 400)), target).thresholds
        passed = limits.local_score.pass_limit * limits.global_score.pass_limit
        kept += 1 - passed <= 0.1
    assert kept >= 0.9 * 200


def test_a_larger_share_lowers_the_local_limit_and_raises_the_other() -> None:
    scores = np.random.default_rng(5).uniform(size=(2, 500))
    even, most = (
        set_both_limits(*scores, CalibrationTarget(flagged_rate=0.1, local_share=share)).thresholds
        for share in (0.5, 0.9)
    )
    assert most.local_score.pass_limit < even.local_score.pass_limit
    assert most.global_score.pass_limit > even.global_score.pass_limit


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_what_was_shared_out_is_found_again_in_the_promises(share: float) -> None:
    target = CalibrationTarget(flagged_rate=0.08, confidence=0.92, local_share=share)
    limits = set_both_limits(*np.random.default_rng(7).uniform(size=(2, 300)), target)
    found = join_promises(limits.local_promise, limits.global_promise)
    assert found.flagged_rate == pytest.approx(0.08)
    assert found.confidence == pytest.approx(0.92)
    assert found.local_share == pytest.approx(share)


def test_the_parts_of_a_target_make_the_whole() -> None:
    target = CalibrationTarget(flagged_rate=0.05, failed_rate=0.01, confidence=0.9, local_share=0.7)
    local, whole = share_target(target)
    assert local.flagged_rate + whole.flagged_rate == pytest.approx(0.05)
    assert local.failed_rate is not None
    assert whole.failed_rate is not None
    assert local.failed_rate + whole.failed_rate == pytest.approx(0.01)
    assert (1 - local.confidence) + (1 - whole.confidence) == pytest.approx(0.1)
