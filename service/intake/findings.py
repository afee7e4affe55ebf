"""What a request found out about a part, on its way into the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inspection.profile import CropRegion
from inspection.verdict import Inspection
from service.in_force import Plan
from service.intake.schemas import Trigger


@dataclass(frozen=True, slots=True)
class Finding:
    """One image of a trigger: its inspection, what it was judged by, and where its images are kept."""

    inspection: Inspection
    plan: Plan
    image_sha256: str | None
    heat_map_sha256: str | None = None

    def columns(self) -> dict[str, Any]:
        """As the record keeps it."""
        inspection, plan = self.inspection, self.plan
        thresholds = plan.inspector.thresholds if plan.inspector else None
        local = thresholds.local_score if thresholds else None
        overall = thresholds.global_score if thresholds else None
        return {
            "verdict": inspection.verdict,
            "reason": inspection.reason.value,
            "detail": inspection.detail,
            "local_score": inspection.local_score,
            "global_score": inspection.global_score,
            "part_score": inspection.part_score,
            "local_pass_limit": local.pass_limit if local else None,
            "local_fail_limit": local.fail_limit if local else None,
            "global_pass_limit": overall.pass_limit if overall else None,
            "global_fail_limit": overall.fail_limit if overall else None,
            "regions": [_region(region) for region in inspection.regions],
            "bundle_id": plan.inspector.bundle_id if plan.inspector else None,
            "profile_version": plan.profile_version,
            "crop": _box(plan.profile.crop),
            "width_px": inspection.width_px,
            "height_px": inspection.height_px,
            "timings_ms": {name: round(value, 3) for name, value in inspection.timings_ms.items()},
            "image_sha256": self.image_sha256,
            "heat_map_sha256": self.heat_map_sha256,
        }


@dataclass(frozen=True, slots=True)
class PartFindings:
    """All that one request found: recorded together, or not at all."""

    trigger: Trigger
    received_at: datetime
    images: tuple[Finding, ...]


def _region(region: Any) -> dict[str, Any]:
    return {
        "x_px": region.x_px,
        "y_px": region.y_px,
        "width_px": region.width_px,
        "height_px": region.height_px,
        "area_px": region.area_px,
        "peak_score": region.peak_score,
        "suggested_defect": None,
    }


def _box(crop: CropRegion | None) -> dict[str, int] | None:
    return None if crop is None else crop.model_dump()
