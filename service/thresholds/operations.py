"""What thresholds do. Each operation is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from inspection.calibration.policy import Thresholds
from inspection.verdict import Verdict
from service.errors import Conflict, NotFound, Outdated
from service.profiles.operations import StationInForce, set_thresholds
from service.review.operations import Decision
from service.runtime import Runtime
from service.tallies import operations as tallies
from service.thresholds import queries
from service.thresholds.evidence import Evidence, Scores
from service.thresholds.halves import DividedBy, choose_unit, in_judging_half
from service.thresholds.proposal import is_enough, propose
from service.thresholds.schemas import (
    FiguresAnswer,
    HalfAnswer,
    ProposalAnswer,
    ProposalQuery,
    ThresholdsAnswer,
    ThresholdsRequest,
    WhatIfAnswer,
)
from service.thresholds.what_if import DEFECTIVE, estimate

LOOKS_BACK = timedelta(days=90)
_RATE_OVER = timedelta(days=7)
_GOOD = 1


@dataclass(frozen=True, slots=True)
class Bench:
    """All that limits of one station are tried on."""

    station: str
    profile_version: int
    follows_champion: bool
    bundle_id: str
    in_force: Thresholds
    calibrated: Thresholds
    evidence: Evidence
    divided_by: DividedBy
    parts_per_shift: float

    @property
    def fitting(self) -> Evidence:
        return self.evidence.half(is_judging=False)

    @property
    def judging(self) -> Evidence:
        return self.evidence.half(is_judging=True)


def find_stations(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return queries.find_station_names(session)


def set_up(runtime: Runtime, station: str) -> Bench:
    """Read what is known of a station under the bundle it runs. Raises NotFound; Conflict where no bundle is here."""
    plan = runtime.in_force.plan_of(station)
    if plan.inspector is None:
        raise Conflict(f"station {station}: the bundle that its profile asks for is not here", "bring it here first")
    bundle_id = plan.inspector.bundle_id
    now = datetime.now(UTC)
    with runtime.database.reading() as session:
        station_id = queries.find_station_id(session, station)
        if station_id is None:
            raise NotFound(f"station {station}: has sent nothing yet", "take one that has")
        stream = queries.find_stream(session, station_id, bundle_id)
        decided = queries.find_decided(session, station_id, bundle_id, now - LOOKS_BACK)
        counts = tallies.read_total(
            session, now - LOOKS_BACK, now + tallies.QUARTER, station_ids=[station_id], bundle_id=bundle_id
        ).counts
        rate = _parts_per_shift(session, runtime, station_id, now)
    unit = choose_unit([row.lot for row in (*stream, *decided)])
    return Bench(
        station=station,
        profile_version=plan.profile_version,
        follows_champion=plan.profile.bundle_id is None,
        bundle_id=bundle_id,
        in_force=plan.inspector.thresholds,
        calibrated=plan.inspector.manifest.thresholds,
        evidence=_evidence(stream, decided, unit, counts.flagged_count / max(counts.total, 1)),
        divided_by=unit,
        parts_per_shift=rate,
    )


def try_limits(bench: Bench, limits: Thresholds, query: ProposalQuery) -> WhatIfAnswer:
    """What limits would mean, on the judging half."""
    costs = query.costs(bench.parts_per_shift)
    return WhatIfAnswer(
        station=bench.station,
        bundle_id=bench.bundle_id,
        thresholds=limits,
        parts_per_shift=costs.parts_per_shift,
        figures=FiguresAnswer.of(estimate(bench.judging, limits, costs)),
    )


def find_proposal(bench: Bench, query: ProposalQuery) -> ProposalAnswer:
    """The cheapest limits on the fitting half. Raises Conflict where either half knows too little."""
    if not (is_enough(bench.fitting) and is_enough(bench.judging)):
        raise Conflict(
            f"station {bench.station}: {bench.fitting.defect_count} and {bench.judging.defect_count} confirmed defects"
            f" in the halves of {len(bench.evidence.stream)} parts are too few to propose limits from",
            "decide about more flagged parts, or draw more spot checks",
        )
    limits = propose(bench.fitting, bench.in_force, query.costs(bench.parts_per_shift))
    tried = try_limits(bench, limits, query)
    return ProposalAnswer(
        **tried.model_dump(),
        fitted_on=describe_half(bench.fitting),
        judged_on=describe_half(bench.judging),
        divided_by=bench.divided_by,
    )


def apply(runtime: Runtime, request: ThresholdsRequest, *, author: str) -> ThresholdsAnswer:
    """A new version of the station's profile, with its audit record. Raises Outdated where what it runs has changed."""
    plan = runtime.in_force.plan_of(request.station)
    running = None if plan.inspector is None else plan.inspector.bundle_id
    if running != request.bundle_id:
        raise Outdated(f"station {request.station}: runs {running or 'no bundle'} now", "look at its scores again")
    station = StationInForce(request.station, request.based_on, plan.profile)
    if request.based_on != plan.profile_version:
        raise Outdated(f"station {request.station}: runs version {plan.profile_version}", "look at its limits again")
    answer = set_thresholds(
        runtime.database, station, request.bundle_id, request.thresholds, author=author, note=request.note
    )
    return ThresholdsAnswer(
        station=answer.station,
        version=answer.version,
        bundle_id=request.bundle_id,
        thresholds=request.thresholds,
        created_at=answer.created_at,
    )


def describe_half(half: Evidence) -> HalfAnswer:
    """What lies in it."""
    return HalfAnswer(
        part_count=len(half.stream),
        defect_count=half.defect_count,
        false_alarm_count=int((half.was_flagged & ~half.is_defective).sum()),
        drawn_count=half.drawn_count,
    )


def _evidence(stream: Sequence[Any], decided: Sequence[Any], unit: DividedBy, flagged_share: float) -> Evidence:
    is_defective = np.array([row.decision == Decision.CONFIRMED_DEFECT for row in decided], dtype=bool)
    truth = {row.id: DEFECTIVE if bad else _GOOD for row, bad in zip(decided, is_defective, strict=True)}
    return Evidence(
        stream=_scores(stream, unit),
        stream_truth=np.array([truth.get(row.id, 0) for row in stream], dtype=np.int8),
        decided=_scores(decided, unit),
        was_flagged=np.array([row.verdict is not Verdict.PASS for row in decided], dtype=bool),
        is_defective=is_defective,
        flagged_share=flagged_share,
    )


def _scores(rows: Sequence[Any], unit: DividedBy) -> Scores:
    return Scores(
        ids=np.array([row.id for row in rows], dtype=np.int64),
        local=np.array([row.local_score for row in rows], dtype=float),
        global_=np.array([row.global_score for row in rows], dtype=float),
        is_judging=in_judging_half([row.lot if unit is DividedBy.LOT else row.part for row in rows]),
    )


def _parts_per_shift(session: Session, runtime: Runtime, station_id: int, now: datetime) -> float:
    """Of the shifts of the last days in which there were any; at least 1."""
    items = tallies.read(session, now - _RATE_OVER, now + tallies.QUARTER, station_id=station_id).items
    by_shift: dict[datetime, int] = {}
    for key, counts in items:
        start = runtime.shifts.at(key.quarter).start
        by_shift[start] = by_shift.get(start, 0) + counts.total
    return max(round(sum(by_shift.values()) / max(len(by_shift), 1)), 1)
