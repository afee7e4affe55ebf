"""Inspections put straight into the record, for tests of pages that need many of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert

from inspection.calibration.policy import Thresholds, judge, score_part
from inspection.calibration.thresholds import Limits
from service.db.engine import Database
from service.db.first_sight import id_on_first_sight
from service.db.tables import Lot, Part, Station, StoredInspection

LIMITS = Thresholds(
    local_score=Limits(pass_limit=0.5, fail_limit=0.8), global_score=Limits(pass_limit=0.5, fail_limit=0.8)
)
BUNDLE = "bundle-0123456789abcdef"


@dataclass(frozen=True)
class Given:
    """One inspection; its verdict follows from its scores."""

    local_score: float
    global_score: float = 0.1
    part: str = ""
    lot: str | None = None
    received_at: datetime = datetime(2026, 11, 23, 8, tzinfo=UTC)


def record(
    database: Database,
    given: Iterable[Given],
    *,
    station: str = "press-3",
    bundle_id: str = BUNDLE,
    limits: Thresholds = LIMITS,
) -> list[int]:
    """Their ids, in order."""
    local, overall = limits.local_score, limits.global_score
    ids = []
    with database.writing() as session:
        for number, one in enumerate(given):
            at = one.received_at
            name = one.part or f"{station}-{at:%H%M%S}-{number}"
            judgement = judge(one.local_score, one.global_score, limits)
            values = {
                "station_id": id_on_first_sight(session, Station, station, at),
                "part_id": id_on_first_sight(session, Part, name, at),
                "lot_id": None if one.lot is None else id_on_first_sight(session, Lot, one.lot, at),
                "trigger_id": f"{name}/{at.isoformat()}/{number}",
                "image_number": 1,
                "received_at": at,
                "arrived_late": False,
                "arrived_out_of_order": False,
                "verdict": judgement.verdict,
                "reason": judgement.reason.value,
                "detail": "",
                "local_score": one.local_score,
                "global_score": one.global_score,
                "part_score": score_part(one.local_score, one.global_score, limits),
                "local_pass_limit": local.pass_limit,
                "local_fail_limit": local.fail_limit,
                "global_pass_limit": overall.pass_limit,
                "global_fail_limit": overall.fail_limit,
                "regions": [],
                "bundle_id": bundle_id,
                "profile_version": 0,
                "timings_ms": {},
            }
            ids.append(session.scalars(insert(StoredInspection).returning(StoredInspection.id), values).one())
    return ids
