"""Simulated pairs of models on simulated parts, as far as the gate sees them: verdicts, and the truth.

Every part has a strength of its own, which both models see, each with its own error: what one misses the other mostly
misses too. How well the challenger sees is set so that its escape rate, or overkill rate, differs by just as much as
the case says.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from inspection.verdict import Verdict
from service.nightly.gate.evidence import Evidence, JudgedPart, Proofs

_SHARED = 0.8
"""Of a score's variance, what is the part's own and both models see alike."""
_PASS, _FAIL = 0.0, 1.0
_STANDS = Proofs(verdict_flip_count=0, largest_score_difference=0.0, tolerance=0.02)


@dataclass(frozen=True)
class Case:
    """A golden set, the champion's true rates, and by how much the challenger's are higher (worse) or lower."""

    name: str
    defective_count: int
    good_count: int
    escape_rate: float = 0.10
    escape_change: float = 0.0
    overkill_rate: float = 0.01
    overkill_change: float = 0.0
    kinds: int = 5
    blind_kind: bool = False
    """The challenger misses one kind altogether, and is better on the others by as much as that costs."""


def draw(case: Case, rng: np.random.Generator) -> Evidence:
    """One night's evidence: what two models of these true rates say of one golden set."""
    defective = _draw_defective(case, rng)
    good = _draw_good(case, rng)
    return Evidence(golden=(*defective, *good), proofs=_STANDS, champion_latency_ms=10.0, challenger_latency_ms=10.0)


def _draw_defective(case: Case, rng: np.random.Generator) -> list[JudgedPart]:
    """Scores around a mean at which just the escape rate lies below the pass limit."""
    kinds = np.arange(case.defective_count) % case.kinds
    champion_mean = -norm.ppf(case.escape_rate)
    shared = rng.standard_normal(case.defective_count)
    champion = champion_mean + _mixed(shared, rng)
    if case.blind_kind:
        rate_elsewhere = max((case.escape_rate - 1 / case.kinds) / (1 - 1 / case.kinds), 0.005)
        challenger = -norm.ppf(rate_elsewhere) + _mixed(shared, rng)
        challenger[kinds == 0] = -1.0
    else:
        rate = float(np.clip(case.escape_rate + case.escape_change, 1e-4, 1 - 1e-4))
        challenger = -norm.ppf(rate) + _mixed(shared, rng)
    return [
        JudgedPart(image=f"d{place}", defect=f"kind {kinds[place]}", champion=_verdict(a), challenger=_verdict(b))
        for place, (a, b) in enumerate(zip(champion, challenger, strict=True))
    ]


def _draw_good(case: Case, rng: np.random.Generator) -> list[JudgedPart]:
    """Scores below a mean at which just the overkill rate lies above the fail limit."""
    shared = rng.standard_normal(case.good_count)
    rates = case.overkill_rate, max(case.overkill_rate + case.overkill_change, 1e-5)
    champion, challenger = (_FAIL + norm.ppf(rate) * _spread() + _mixed(shared, rng) * _spread() for rate in rates)
    return [
        JudgedPart(image=f"g{place}", defect=None, champion=_verdict(a), challenger=_verdict(b))
        for place, (a, b) in enumerate(zip(champion, challenger, strict=True))
    ]


def _spread() -> float:
    """Of good parts' scores: so that at 1 % overkill some 3 % are flagged."""
    return float(brentq(lambda width: norm.sf(-norm.ppf(0.01) - 1.0 / width) - 0.03, 0.5, 5.0))


def _mixed(shared: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    own = rng.standard_normal(len(shared))
    mixed: np.ndarray = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own
    return mixed


def _verdict(score: float) -> Verdict:
    if score > _FAIL:
        return Verdict.FAIL
    return Verdict.HOLD if score > _PASS else Verdict.PASS
