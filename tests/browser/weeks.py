"""Some weeks on a line, put straight into the record: for pages that show many parts at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import insert

from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.operations import Decision, Disposition, QueueEntry, queue_parts
from service.review.operations import catch_up as note_standing_decisions
from service.spot_checks.tables import DrawnFrom, SpotCheck
from service.tallies.operations import catch_up
from tests.browser.flanges import LIMITS
from tests.running_service import RunningService
from tests.service.record import Given, record

STATIONS = ("press-3", "press-4", "press-5")
DAYS = 21
_PARTS_A_DAY = 48
_DEFECTIVE = 0.05


def fill_weeks(service: RunningService) -> None:
    """Three stations; at the last days the light of one of them changes. Most of what is flagged was decided."""
    with service.client() as client:
        bundle_id = client.get("/health").json()["champion"]
    now = datetime.now(UTC)
    for number, station in enumerate(STATIONS):
        chance = np.random.default_rng([3, number])
        given, is_defective = _weeks_of(chance, now, station, drifts=station == "press-4")
        ids = record(service.database, given, station=station, bundle_id=bundle_id, limits=LIMITS)
        _decide(service, chance, ids, is_defective)
    note_standing_decisions(service.database)
    while catch_up(service.database):
        pass


def _weeks_of(
    chance: np.random.Generator, now: datetime, station: str, *, drifts: bool
) -> tuple[list[Given], list[bool]]:
    count = DAYS * _PARTS_A_DAY
    is_defective = chance.random(count) < _DEFECTIVE
    given = []
    for place, is_bad in enumerate(is_defective):
        age = timedelta(days=DAYS) * (1 - (place + 0.5) / count)
        local = chance.normal(0.19, 0.045) if is_bad else chance.gamma(9.0, 0.0078)
        shift = 0.006 if drifts and age < timedelta(days=4) else 0.0
        given.append(
            Given(
                local_score=float(max(local, 0.01)),
                global_score=float(chance.normal(0.025 + shift, 0.004)),
                part=f"{station}-{place:05d}",
                lot=f"L26-{station[-1]}{place // 40:02d}",
                received_at=now - age,
            )
        )
    return given, [bool(one) for one in is_defective]


def _decide(service: RunningService, chance: np.random.Generator, ids: list[int], is_defective: list[bool]) -> None:
    with service.database.writing() as session:
        for number, is_bad in zip(ids, is_defective, strict=True):
            row = session.get_one(StoredInspection, number)
            is_drawn = row.verdict is Verdict.PASS and chance.random() < 0.1
            if row.verdict is Verdict.PASS and not is_drawn:
                continue
            if not is_drawn and chance.random() < 0.1:
                queue_parts(session, [QueueEntry(row.id, row.verdict, row.part_score)])
                continue
            decision = Decision.CONFIRMED_DEFECT if is_bad else Decision.FALSE_ALARM
            values = {
                "inspection_id": number,
                "decision": decision,
                "reviewer": "Aiko Tanaka" if chance.random() < 0.6 else "Kenji Mori",
                "decided_at": row.received_at + timedelta(minutes=30),
                "is_blind": is_drawn,
            }
            session.execute(insert(Disposition), values)
            if is_drawn:
                draw = {"inspection_id": number, "drawn_from": DrawnFrom.PASSED, "probability": 0.1}
                session.execute(insert(SpotCheck), draw | {"drawn_at": row.received_at})
