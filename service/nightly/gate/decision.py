"""All questions together: the challenger passes where none stands against it and none is open."""

from inspection.config import Settings
from service.nightly.gate.check import Answer, Check, Question
from service.nightly.gate.escapes import check_anchor, check_escapes, check_kinds, check_replay, check_synthetic
from service.nightly.gate.evidence import Evidence
from service.nightly.gate.fitness import check_latency, check_parity
from service.nightly.gate.overkill import check_flagged, check_overkill
from service.nightly.gate.policy import GatePolicy

_CHECKS = (
    check_escapes,
    check_anchor,
    check_kinds,
    check_overkill,
    check_flagged,
    check_replay,
    check_synthetic,
    check_parity,
    check_latency,
)


class GateReport(Settings):
    """The answers, and the policy they were asked by."""

    policy: GatePolicy
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.answer in (Answer.PASSED, Answer.NOT_ASKED) for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """What speaks against the challenger."""
        return tuple(check for check in self.checks if check.answer is Answer.FAILED)

    @property
    def open_questions(self) -> tuple[Check, ...]:
        """What more reviewed parts would settle."""
        return tuple(check for check in self.checks if check.answer is Answer.UNDECIDED)

    def check(self, question: Question) -> Check:
        """The answer to one question."""
        return next(check for check in self.checks if check.question is question)


def decide(evidence: Evidence, policy: GatePolicy) -> GateReport:
    """Ask everything, also once something has failed: the morning's report tells all of it."""
    return GateReport(policy=policy, checks=tuple(check(evidence, policy) for check in _CHECKS))
