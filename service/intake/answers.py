"""A row of the record as the answer of the API: the same row always gives the same bytes."""

from collections.abc import Sequence

from inspection.verdict import Reason, Verdict
from service.db.tables import StoredInspection
from service.intake.schemas import (
    BoxAnswer,
    InspectionAnswer,
    LimitsAnswer,
    Links,
    PartAnswer,
    RegionAnswer,
    ThresholdsAnswer,
)

_BADNESS = {Verdict.PASS: 0, Verdict.HOLD: 1, Verdict.FAIL: 2}


def to_answer(row: StoredInspection, station: str, part: str, lot: str | None) -> InspectionAnswer:
    """A row with the names that its numbers stand for."""
    return InspectionAnswer(
        id=row.id,
        station=station,
        part_id=part,
        lot=lot,
        trigger_id=row.trigger_id,
        image_number=row.image_number,
        captured_at=row.captured_at,
        received_at=row.received_at,
        arrived_late=row.arrived_late,
        arrived_out_of_order=row.arrived_out_of_order,
        verdict=row.verdict,
        reason=Reason(row.reason),
        detail=row.detail,
        local_score=row.local_score,
        global_score=row.global_score,
        part_score=row.part_score,
        thresholds=_thresholds_of(row),
        regions=[RegionAnswer.model_validate(region) for region in row.regions],
        bundle_id=row.bundle_id,
        profile_version=row.profile_version,
        crop=None if row.crop is None else BoxAnswer.model_validate(row.crop),
        timings_ms=row.timings_ms,
        links=links_of(row),
    )


def worst_of(answers: Sequence[InspectionAnswer]) -> InspectionAnswer:
    """The one that decides about the part: FAIL before HOLD before PASS, then the most suspicious, then the first."""
    return max(answers, key=lambda answer: (_BADNESS[answer.verdict], answer.part_score or 0.0, -answer.id))


def to_part_answer(answers: Sequence[InspectionAnswer]) -> PartAnswer:
    """One verdict for a part, of which there is at least one inspection."""
    worst = worst_of(answers)
    return PartAnswer(
        part_id=worst.part_id,
        verdict=worst.verdict,
        reason=worst.reason,
        detail=worst.detail,
        decided_by=worst.id,
        inspections=list(answers),
    )


def _thresholds_of(row: StoredInspection) -> ThresholdsAnswer | None:
    limits = (row.local_pass_limit, row.local_fail_limit, row.global_pass_limit, row.global_fail_limit)
    if limits[0] is None or limits[1] is None or limits[2] is None or limits[3] is None:
        return None
    return ThresholdsAnswer(
        local_score=LimitsAnswer(pass_limit=limits[0], fail_limit=limits[1]),
        global_score=LimitsAnswer(pass_limit=limits[2], fail_limit=limits[3]),
    )


def links_of(row: StoredInspection) -> Links:
    """Addresses on this service, without its host: they hold behind any proxy."""
    itself = f"/api/v1/inspections/{row.id}"
    return Links(
        itself=itself,
        image=f"{itself}/image" if row.image_sha256 else None,
        heat_map=f"{itself}/heat-map" if row.heat_map_sha256 else None,
        review=f"/review/{row.id}",
    )
