"""Judged parts for the tests of the gate."""

from __future__ import annotations

from typing import Any

from inspection.verdict import Verdict
from service.nightly.gate.evidence import Evidence, JudgedPart, Proofs

PASS, HOLD, FAIL = Verdict.PASS, Verdict.HOLD, Verdict.FAIL
STANDS = Proofs(verdict_flip_count=0, largest_score_difference=0.001, tolerance=0.02)


def parts(
    count: int, champion: Verdict, challenger: Verdict, *, defect: str | None = None, mark: str = ""
) -> tuple[JudgedPart, ...]:
    """So many parts on which the two models said that."""
    return tuple(
        JudgedPart(
            image=f"{mark}{defect}{champion}{challenger}{n}", defect=defect, champion=champion, challenger=challenger
        )
        for n in range(count)
    )


def defective(caught: int, *, lost: int = 0, gained: int = 0, missed: int = 0, kind: str = "dent") -> Any:
    """Defective parts: caught by both, lost, gained, and missed by both."""
    return (
        *parts(caught, FAIL, FAIL, defect=kind),
        *parts(lost, HOLD, PASS, defect=kind),
        *parts(gained, PASS, HOLD, defect=kind),
        *parts(missed, PASS, PASS, defect=kind),
    )


def evidence(*golden: JudgedPart, **others: Any) -> Evidence:
    """With 300 good parts that both pass, unless `golden` holds good ones already."""
    good = () if any(part.defect is None for part in golden) else parts(300, PASS, PASS)
    given = {"proofs": STANDS, "champion_latency_ms": 10.0, "challenger_latency_ms": 11.0} | others
    return Evidence(golden=(*golden, *good), **given)
