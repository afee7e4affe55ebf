"""Two halves of the parts, never mixed: limits are fitted on one of them, and judged on the other.

A part lies in the half that its digest says, today and tomorrow, on every machine. Where there are enough lots, whole
lots are divided: parts of one lot look alike, and would tell the judging half what the fitting half knew.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

import numpy as np

MIN_LOTS = 20


class DividedBy(StrEnum):
    """What is never divided itself."""

    LOT = "lot"
    PART = "part"


def choose_unit(lots: Sequence[str | None]) -> DividedBy:
    """Lots where every part has one, and there are enough that both halves are about as large."""
    named = {lot for lot in lots if lot is not None}
    return DividedBy.LOT if len(named) >= MIN_LOTS and None not in lots else DividedBy.PART


def in_judging_half(names: Sequence[str]) -> np.ndarray:
    """bool [n]: whether a lot or part of that name lies in the judging half."""
    known: dict[str, bool] = {}
    for name in names:
        if name not in known:
            known[name] = bool(sha256(name.encode()).digest()[0] & 1)
    return np.array([known[name] for name in names], dtype=bool)
