"""Golden parts by chance: of what people have decided about, such that every part of the line has the same chance.

A golden set filled from the review queue knows mostly parts that a model has flagged. Whoever judges by it takes every
model for one that flags far too many good parts, and the champion for one that lets nothing pass. What a plant would
have drawn blindly is in the record all the same: flagged parts come before a person for certain, passed ones with the
rate of spot checks. Thinned to the lower of both, they are a fair sample of all that the line makes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.challenge.operations import challenge_inspection_ids
from service.db.engine import Database
from service.nightly.golden import GoldenPart, add_decided
from service.nightly.guard.candidate import Said
from service.nightly.plan import LinePlan
from service.nightly.record import find_newest_id, find_rows
from service.nightly.tables import GoldenChange
from service.spot_checks.operations import CheckScope, JudgedPart, stream_judged

NOTE = "drawn by chance"
DAYS = 30
"""Decisions that are older say what the line made once."""
_SETTLED = (Said.CONFIRMED_DEFECT.value, Said.FALSE_ALARM.value)
_DIGITS = 13


def choose_alike(judged: Iterable[JudgedPart]) -> list[JudgedPart]:
    """Each part with the chance that the rarest of them had; by digest, so that a second draw chooses the same.

    Nothing where no part that passed was drawn: flagged parts alone are no sample of anything.
    """
    parts = list(judged)
    passed = [part.probability for part in parts if part.verdict is Verdict.PASS]
    if not passed:
        return []
    rarest = min(passed)
    return [part for part in parts if _place(part.image_sha256) < rarest / part.probability]


def draw_golden(database: Database, line: LinePlan, *, author: str, days: int = DAYS) -> list[GoldenPart]:
    """Let what chance has chosen of the last days join the golden set; gives back what is new there.

    What the set ever held is left alone: a truth that somebody corrected, and a part that somebody took out.
    """
    with database.reading() as session:
        chosen = choose_alike(_find_decided(session, line, days=days))
        known = set(session.scalars(select(GoldenChange.image_sha256)))
        rows = find_rows(session, [part.inspection_id for part in chosen if part.image_sha256 not in known])
        wanted = [row.id for row in rows if row.images_removed_at is None]
    return add_decided(database, wanted, author=author, note=NOTE)


def _find_decided(session: Session, line: LinePlan, *, days: int) -> Sequence[JudgedPart]:
    """Parts of the line that came lately, were decided about, and were not shown to test the station."""
    shown = set(session.scalars(challenge_inspection_ids(0, find_newest_id(session))))
    since = datetime.now(UTC) - timedelta(days=days)
    return [
        part
        for part in stream_judged(session, CheckScope(since=since))
        if line.covers(part.station)
        and part.is_settled
        and part.decision.value in _SETTLED
        and part.image_sha256 is not None
        and part.inspection_id not in shown
    ]


def _place(image: str | None) -> float:
    """Where a digest lies among all, from 0 to 1: as good as drawn, and the same at every try."""
    return 1.0 if image is None else int(image[:_DIGITS], 16) / 16**_DIGITS
