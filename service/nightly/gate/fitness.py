"""What has nothing to do with parts: does the bundle answer as it did in training, and fast enough?"""

from service.nightly.gate.check import Answer, Check, Question
from service.nightly.gate.evidence import Evidence
from service.nightly.gate.policy import GatePolicy


def check_parity(evidence: Evidence, policy: GatePolicy) -> Check:
    """The certificate stands, and every proof that was computed again."""
    proofs = evidence.proofs
    stands = (
        proofs.verdict_flip_count == 0
        and proofs.largest_score_difference <= proofs.tolerance
        and not proofs.failed_proofs
    )
    figures = {
        "flips": proofs.verdict_flip_count,
        "difference": proofs.largest_score_difference,
        "tolerance": proofs.tolerance,
    }
    answer = Answer.PASSED if stands else Answer.FAILED
    return Check(question=Question.PARITY, answer=answer, figures=figures, names=proofs.failed_proofs)


def check_latency(evidence: Evidence, policy: GatePolicy) -> Check:
    """Not much slower than the champion, or within the line's budget."""
    limit = max(policy.latency_ratio * evidence.champion_latency_ms, policy.latency_budget_ms or 0.0)
    figures = {
        "champion_ms": evidence.champion_latency_ms,
        "challenger_ms": evidence.challenger_latency_ms,
        "limit_ms": limit,
    }
    answer = Answer.PASSED if evidence.challenger_latency_ms <= limit else Answer.FAILED
    return Check(question=Question.LATENCY, answer=answer, figures=figures)
