"""Which parts are drawn, at their arrival: some that passed, some flagged ones to be blind, some decided ones again."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from inspection.profile import SpotChecks
from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.operations import QueueEntry, WaitingKind, pick_decided, queue_parts
from service.spot_checks.tables import DrawnFrom, SpotCheck


@dataclass(frozen=True, slots=True)
class Arrival:
    """An inspection that is being recorded; `part_passed` says that all images of its trigger passed."""

    inspection_id: int
    station_id: int
    verdict: Verdict
    part_score: float | None
    part_passed: bool
    rates: SpotChecks


def queue_arrivals(session: Session, arrivals: Iterable[Arrival], chance: random.Random) -> None:
    """Put the flagged ones into the queue, and what was drawn. In the transaction that records them."""
    draw = _Draw(session, chance)
    for arrival in arrivals:
        if arrival.verdict is not Verdict.PASS:
            draw.flagged(arrival)
        elif arrival.part_passed:
            draw.passed(arrival)
    draw.store()


class _Draw:
    """What one transaction draws."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        self._session = session
        self._chance = chance
        self._now = datetime.now(UTC)
        self._entries: dict[int, QueueEntry] = {}
        self._checks: list[dict[str, object]] = []

    def passed(self, arrival: Arrival) -> None:
        if self._falls(arrival.rates.passed_rate):
            self._note(arrival.inspection_id, DrawnFrom.PASSED, arrival.rates.passed_rate)
            self._add(arrival, WaitingKind.SPOT_CHECK, is_blind=True)

    def flagged(self, arrival: Arrival) -> None:
        is_blind = self._falls(arrival.rates.blind_flagged_rate)
        if is_blind:
            self._note(arrival.inspection_id, DrawnFrom.FLAGGED, arrival.rates.blind_flagged_rate)
        self._add(arrival, WaitingKind.FLAGGED, is_blind=is_blind)
        if self._falls(arrival.rates.repeat_rate):
            self._repeat(arrival)

    def store(self) -> None:
        queue_parts(self._session, self._entries.values(), self._chance)
        if self._checks:
            self._session.execute(insert(SpotCheck), self._checks)

    def _repeat(self, arrival: Arrival) -> None:
        """A decided part of the same station comes again, if there is one."""
        before = self._now - timedelta(hours=arrival.rates.repeat_after_h)
        station_id = arrival.station_id
        number = pick_decided(self._session, station_id=station_id, before=before, chance=self._chance)
        if number is None or number in self._entries:
            return
        row = self._session.get_one(StoredInspection, number)
        self._note(number, DrawnFrom.DECIDED, arrival.rates.repeat_rate)
        self._entries[number] = QueueEntry(number, row.verdict, row.part_score, WaitingKind.REPEAT, is_blind=True)

    def _falls(self, rate: float) -> bool:
        # Without a call where nothing is drawn: most stations ask for nothing, and all arrivals come by here.
        return rate > 0 and self._chance.random() < rate

    def _add(self, arrival: Arrival, kind: WaitingKind, *, is_blind: bool) -> None:
        number = arrival.inspection_id
        self._entries[number] = QueueEntry(number, arrival.verdict, arrival.part_score, kind, is_blind)

    def _note(self, inspection_id: int, drawn_from: DrawnFrom, probability: float) -> None:
        values = {"inspection_id": inspection_id, "drawn_from": drawn_from, "probability": probability}
        self._checks.append({**values, "drawn_at": self._now})
