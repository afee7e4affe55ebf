"""What intake does. Each operation is one transaction, and the only way for other features to reach intake."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from anyio.to_thread import run_sync

from service.audit.operations import append, inspection_digest, verdicts_entry
from service.db.engine import Database
from service.db.tables import Lot, Part, Station, StoredInspection
from service.errors import InvalidCursor, NotFound
from service.intake import queries
from service.intake.answers import to_answer
from service.intake.queries import InspectionFilter
from service.intake.schemas import InspectionAnswer, InspectionPage, Trigger
from service.runtime import Runtime
from service.scoring_pool import Judged


@dataclass(frozen=True, slots=True)
class StoredImages:
    """Names in the image store of what one inspection shows."""

    image_sha256: str
    heat_map_sha256: str | None
    station: str


async def take_in(runtime: Runtime, trigger: Trigger, image: bytes) -> tuple[InspectionAnswer, bool]:
    """Judge an image and make image and verdict durable; (answer, was it the first of its trigger).

    Raises StorageError or SQLAlchemy's OperationalError where they cannot be made durable: nothing is recorded then.
    """
    received_at = datetime.now(UTC)
    if (first := await run_sync(_find_first, runtime.database, trigger)) is not None:
        return first, False
    name = f"image of trigger {trigger.trigger_id}"
    image_sha256, judged = await asyncio.gather(
        run_sync(runtime.image_store.put, image), runtime.scoring_pool.judge(image, name=name)
    )
    return await run_sync(_record, runtime, trigger, received_at, image_sha256, judged)


def get_inspection(database: Database, inspection_id: int) -> InspectionAnswer:
    """Raises NotFound."""
    with database.reading() as session:
        return to_answer(_require(queries.find_by_id(session, inspection_id), inspection_id))


def get_stored_images(database: Database, inspection_id: int) -> StoredImages:
    """Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_by_id(session, inspection_id), inspection_id)
        return StoredImages(row.image_sha256, row.heat_map_sha256, row.station.name)


def list_inspections(database: Database, wanted: InspectionFilter, *, cursor: str | None, limit: int) -> InspectionPage:
    """Newest first. Raises InvalidCursor."""
    below_id = None if cursor is None else _read_cursor(cursor)
    with database.reading() as session:
        rows = queries.find_page(session, wanted, below_id=below_id, limit=limit + 1)
        items = [to_answer(row) for row in rows[:limit]]
    return InspectionPage(items=items, next_cursor=f"below-{items[-1].id}" if len(rows) > limit else None)


def _find_first(database: Database, trigger: Trigger) -> InspectionAnswer | None:
    with database.reading() as session:
        row = queries.find_by_trigger(session, trigger.station, trigger.trigger_id)
        return None if row is None else to_answer(row)


def _record(
    runtime: Runtime, trigger: Trigger, received_at: datetime, image_sha256: str, judged: Judged
) -> tuple[InspectionAnswer, bool]:
    heat_map = judged.heat_map_png
    values = {
        **_judgement_values(runtime, judged),
        "image_sha256": image_sha256,
        "heat_map_sha256": None if heat_map is None else runtime.image_store.put(heat_map),
    }
    with runtime.database.writing() as session:
        values["station_id"] = queries.id_on_first_sight(session, Station, trigger.station, received_at)
        if trigger.lot is not None:
            values["lot_id"] = queries.id_on_first_sight(session, Lot, trigger.lot, received_at)
        values["part_id"] = queries.id_on_first_sight(session, Part, trigger.part_id, received_at)
        values |= {
            "trigger_id": trigger.trigger_id,
            "captured_at": trigger.captured_at,
            "received_at": received_at,
        }
        was_first = queries.add_inspection(session, values)
        row = queries.find_by_trigger(session, trigger.station, trigger.trigger_id)
        if row is None:
            raise LookupError(f"trigger {trigger.trigger_id} vanished within its own transaction")
        if was_first:
            digest = inspection_digest(trigger.station, trigger.part_id, trigger.lot, values)
            append(session, verdicts_entry({row.id: digest}))
        return to_answer(row), was_first


def _judgement_values(runtime: Runtime, judged: Judged) -> dict[str, Any]:
    inspection, thresholds = judged.inspection, runtime.inspector.thresholds
    return {
        "verdict": inspection.verdict,
        "reason": inspection.reason.value,
        "detail": inspection.detail,
        "local_score": inspection.local_score,
        "global_score": inspection.global_score,
        "part_score": inspection.part_score,
        "local_pass_limit": thresholds.local_score.pass_limit,
        "local_fail_limit": thresholds.local_score.fail_limit,
        "global_pass_limit": thresholds.global_score.pass_limit,
        "global_fail_limit": thresholds.global_score.fail_limit,
        "regions": [{**asdict(region), "suggested_defect": None} for region in inspection.regions],
        "bundle_id": runtime.inspector.bundle_id,
        "width_px": inspection.width_px,
        "height_px": inspection.height_px,
        "timings_ms": {name: round(value, 3) for name, value in inspection.timings_ms.items()},
    }


def _require(row: StoredInspection | None, inspection_id: int) -> StoredInspection:
    if row is None:
        raise NotFound(f"inspection {inspection_id}: does not exist", "take an id from GET /api/v1/inspections")
    return row


def _read_cursor(cursor: str) -> int:
    digits = cursor.removeprefix("below-")
    if digits == cursor or not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise InvalidCursor(f"cursor {cursor[:40]!r}: was not given by this service", "start without a cursor")
    return int(digits)
