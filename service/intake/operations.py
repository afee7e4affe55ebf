"""What intake does. Each operation is one transaction, and the only way for other features to reach intake."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from inspection.errors import StorageError
from inspection.verdict import Inspection, Reason
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.errors import InvalidCursor, NotFound
from service.in_force import Plan
from service.intake import queries
from service.intake.answers import to_answer, to_part_answer
from service.intake.challenged import hold_where_shut, note_challenge
from service.intake.findings import Finding, PartFindings
from service.intake.queries import InspectionFilter
from service.intake.recording import Recorded
from service.intake.schemas import InspectionAnswer, InspectionPage, PartAnswer, Trigger
from service.runtime import Runtime
from service.scoring.job import Judged
from service.shadow.operations import LivePart

log = structlog.get_logger("kensa.intake")
_INSPECTIONS_OF_A_PART = 200
_BY_SCORES = frozenset({Reason.NORMAL, Reason.LOCAL_HOLD, Reason.GLOBAL_HOLD, Reason.LOCAL_FAIL, Reason.GLOBAL_FAIL})


@dataclass(frozen=True, slots=True)
class StoredImages:
    """Names in the image store of what one inspection shows."""

    image_sha256: str
    heat_map_sha256: str | None
    station: str


async def take_in(runtime: Runtime, trigger: Trigger, images: Sequence[bytes]) -> Recorded:
    """Judge the images of a trigger and make images and verdicts durable.

    Raises StorageError or SQLAlchemy's OperationalError where they cannot be made durable: nothing is recorded then.
    """
    if (known := runtime.recorder.recall(trigger.station, trigger.trigger_id)) is not None:
        return known
    start = time.perf_counter()
    received_at = datetime.now(UTC)
    plan = runtime.in_force.plan_of(trigger.station)
    findings = await _find_all(runtime, trigger, plan, images)
    before_record = time.perf_counter()
    findings = hold_where_shut(runtime, trigger, findings)
    recorded = await runtime.recorder.record(PartFindings(trigger, received_at, findings))
    await note_challenge(runtime, trigger, recorded)
    if recorded.was_first:
        _offer_to_shadow(runtime, plan, findings, recorded)
        now = time.perf_counter()
        for answer in recorded.answers:
            runtime.metrics.count_verdict(answer.station, answer.verdict, answer.reason, answer.timings_ms)
            log.info(
                "inspected",
                inspection_id=answer.id,
                station=answer.station,
                verdict=answer.verdict.value,
                reason=answer.reason.value,
                profile_version=answer.profile_version,
                total_ms=round((now - start) * 1e3, 1),
            )
        runtime.metrics.time_stage("record", now - before_record)
        runtime.metrics.time_stage("total", now - start)
    return recorded


def get_inspection(database: Database, inspection_id: int) -> InspectionAnswer:
    """Raises NotFound."""
    with database.reading() as session:
        return _answer_of(_require(queries.find_by_id(session, inspection_id), inspection_id))


def get_part(database: Database, part_id: str) -> PartAnswer:
    """One verdict from all inspections of a part. Raises NotFound."""
    with database.reading() as session:
        answers = [_answer_of(row) for row in queries.find_by_part(session, part_id, limit=_INSPECTIONS_OF_A_PART)]
    if not answers:
        raise NotFound(f"part {part_id}: was never inspected", "see its id in GET /api/v1/inspections")
    return to_part_answer(answers)


def get_stored_images(database: Database, inspection_id: int) -> StoredImages:
    """Raises NotFound, also where there is no image any more, or never was."""
    with database.reading() as session:
        row = _require(queries.find_by_id(session, inspection_id), inspection_id)
    if row.images_removed_at is not None:
        removed = f"{row.images_removed_at:%Y-%m-%d}"
        raise NotFound(f"inspection {inspection_id}: its images were removed on {removed}", "its verdict stays")
    if row.image_sha256 is None:
        raise NotFound(f"inspection {inspection_id}: its image could not be stored", "see its `detail`")
    return StoredImages(row.image_sha256, row.heat_map_sha256, row.station.name)


def list_inspections(database: Database, wanted: InspectionFilter, *, cursor: str | None, limit: int) -> InspectionPage:
    """Newest first. Raises InvalidCursor."""
    below_id = None if cursor is None else _read_cursor(cursor)
    with database.reading() as session:
        rows = queries.find_page(session, wanted, below_id=below_id, limit=limit + 1)
        items = [_answer_of(row) for row in rows[:limit]]
    return InspectionPage(items=items, next_cursor=f"below-{items[-1].id}" if len(rows) > limit else None)


def _offer_to_shadow(runtime: Runtime, plan: Plan, findings: Sequence[Finding], recorded: Recorded) -> None:
    """A challenger may score what the champion has judged by its scores, and what can be looked at."""
    for finding, answer in zip(findings, recorded.answers, strict=True):
        if answer.reason in _BY_SCORES and finding.image_sha256 is not None and answer.bundle_id is not None:
            part = LivePart(
                inspection_id=answer.id,
                station=answer.station,
                image_sha256=finding.image_sha256,
                verdict=answer.verdict,
                part_score=answer.part_score,
                bundle_id=answer.bundle_id,
                profile=plan.profile,
            )
            runtime.shadow.offer(part)


async def _find_all(runtime: Runtime, trigger: Trigger, plan: Plan, images: Sequence[bytes]) -> tuple[Finding, ...]:
    # Nearly every part has one image, which needs no task of its own.
    if len(images) == 1:
        return (await _find(runtime, trigger, plan, images[0]),)
    return tuple(await asyncio.gather(*(_find(runtime, trigger, plan, image) for image in images)))


async def _find(runtime: Runtime, trigger: Trigger, plan: Plan, image: bytes) -> Finding:
    """Judge one image, then store it with its heat map. What cannot be stored is held, as what cannot be judged."""
    judged = await _judge(runtime, plan, image, f"image of trigger {trigger.trigger_id}")
    contents = [image] if judged.heat_map_png is None else [image, judged.heat_map_png]
    try:
        return Finding(judged.inspection, plan, *await runtime.storer.put(contents))
    except StorageError as error:
        runtime.alarms.raise_alarm("image_store_failing", str(error))
        return Finding(_not_stored(judged, error), plan, None)


async def _judge(runtime: Runtime, plan: Plan, image: bytes, name: str) -> Judged:
    if plan.inspector is None:
        detail = "the bundle that the station's profile asks for is not here"
        return Judged(Inspection.held(Reason.NO_MODEL, detail))
    return await runtime.scoring_pool.judge(image, plan.inspector, name=name)


def _not_stored(judged: Judged, error: StorageError) -> Inspection:
    """HOLD, whatever the scores: nobody could look at this part's picture again."""
    held = Inspection.held(Reason.NOT_STORED, str(error), bundle_id=judged.inspection.bundle_id)
    return replace(held, width_px=judged.inspection.width_px, height_px=judged.inspection.height_px)


def _answer_of(row: StoredInspection) -> InspectionAnswer:
    return to_answer(row, row.station.name, row.part.name, row.lot.name if row.lot else None)


def _require(row: StoredInspection | None, inspection_id: int) -> StoredInspection:
    if row is None:
        raise NotFound(f"inspection {inspection_id}: does not exist", "take an id from GET /api/v1/inspections")
    return row


def _read_cursor(cursor: str) -> int:
    digits = cursor.removeprefix("below-")
    if digits == cursor or not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise InvalidCursor(f"cursor {cursor[:40]!r}: was not given by this service", "start without a cursor")
    return int(digits)
