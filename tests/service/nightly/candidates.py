"""Candidates for the tests of the guard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from inspection.images.digest import sha256_of_bytes
from inspection.verdict import Verdict
from service.nightly.guard.candidate import Candidate, Look, Said


def look(number: int, *, mean: float = 120.0, sharpness: float = 40.0) -> Look:
    """The look of a picture of its own."""
    rng = np.random.default_rng(number)
    fingerprint = rng.normal(0, 1, 64).astype(np.float32)
    return Look(fingerprint, mean + rng.normal(0, 1), 30.0 + rng.normal(0, 1), sharpness + rng.normal(0, 1))


def candidate(number: int, **others: Any) -> Candidate:
    """A good part that passed."""
    one = Candidate(
        image=sha256_of_bytes(str(number).encode()),
        inspection_id=number,
        part=f"part-{number}",
        lot=f"L-{number % 4}",
        station="press-3",
        image_number=1,
        verdict=Verdict.PASS,
        part_score=0.5 + number / 10_000,
        said=Said.NOTHING,
        look=look(number),
    )
    return replace(one, **others)


def line(count: int) -> list[Candidate]:
    """So many good parts."""
    return [candidate(number) for number in range(1, count + 1)]
