"""A row of the record as the answer of the API: the same row always gives the same bytes."""

from inspection.verdict import Reason
from service.db.tables import StoredInspection
from service.intake.schemas import InspectionAnswer, LimitsAnswer, Links, RegionAnswer, ThresholdsAnswer


def to_answer(row: StoredInspection) -> InspectionAnswer:
    """The row must have been loaded with its station, part and lot."""
    return InspectionAnswer(
        id=row.id,
        station=row.station.name,
        part_id=row.part.name,
        lot=row.lot.name if row.lot else None,
        trigger_id=row.trigger_id,
        captured_at=row.captured_at,
        received_at=row.received_at,
        verdict=row.verdict,
        reason=Reason(row.reason),
        detail=row.detail,
        local_score=row.local_score,
        global_score=row.global_score,
        part_score=row.part_score,
        thresholds=ThresholdsAnswer(
            local_score=LimitsAnswer(pass_limit=row.local_pass_limit, fail_limit=row.local_fail_limit),
            global_score=LimitsAnswer(pass_limit=row.global_pass_limit, fail_limit=row.global_fail_limit),
        ),
        regions=[RegionAnswer.model_validate(region) for region in row.regions],
        bundle_id=row.bundle_id,
        timings_ms=row.timings_ms,
        links=links_of(row),
    )


def links_of(row: StoredInspection) -> Links:
    """Addresses on this service, without its host: they hold behind any proxy."""
    itself = f"/api/v1/inspections/{row.id}"
    return Links(
        itself=itself,
        image=f"{itself}/image",
        heat_map=f"{itself}/heat-map" if row.heat_map_sha256 else None,
        review=f"/review/{row.id}",
    )
