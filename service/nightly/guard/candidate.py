"""A picture that could be learned from, with what is known of it; and why one may not be."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from inspection.verdict import Verdict


class Why(StrEnum):
    """Why a picture stays out. The first that applies, in this order, is told."""

    KEPT_OUT = "kept_out"
    """A person has said so."""
    GOLDEN = "golden"
    """It is of a part that the gate judges by."""
    CHALLENGE = "challenge"
    """It is of a part that is shown to test the station."""
    CONFIRMED_DEFECT = "confirmed_defect"
    DISPUTED = "disputed"
    """Called unclear, or one thing by one person and another by the next."""
    FLAGGED = "flagged"
    UNREADABLE = "unreadable"
    SAME_PART = "same_part"
    SAME_FRAME = "same_frame"
    HIGH_SCORE = "high_score"
    QUALITY = "quality"
    LOT_CAP = "lot_cap"
    STATION_CAP = "station_cap"


class Said(StrEnum):
    """What people have said of a part, all of its pictures together."""

    NOTHING = "nothing"
    FALSE_ALARM = "false_alarm"
    CONFIRMED_DEFECT = "confirmed_defect"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture looks like. `fingerprint` is float32 [64], in grey values; see `guard.looks`."""

    fingerprint: np.ndarray = field(repr=False, compare=False)
    mean: float
    deviation: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture of the record. `look` is None where it cannot be read."""

    image: str
    """SHA-256."""
    inspection_id: int
    part: str
    lot: str | None
    station: str
    image_number: int
    verdict: Verdict
    part_score: float | None
    said: Said
    look: Look | None
    is_golden: bool = False
    is_kept_out: bool = False
    is_challenge: bool = False
