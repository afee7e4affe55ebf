"""The pages on which a person decides."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.callers import Permission
from service.drift.operations import KINDS
from service.intake.operations import get_stored_images
from service.review import looking, pictures, wording
from service.review.queue_filter import QueueFilter, QueueOrder, read_filter
from service.review.references import nearest
from service.review.tables import Decision
from service.runtime import Runtime
from service.web.dependencies import InspectionId, RuntimeDependency
from service.web.guard import needs
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
WantedDependency = Annotated[QueueFilter, Depends(read_filter)]
_KEEP = "private, max-age=31536000, immutable"


@router.get("/")
def get_start() -> RedirectResponse:
    """The front door."""
    return RedirectResponse("/review", 307)


@router.get("/review")
def get_queue(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    request: Request,
    wanted: WantedDependency,
    after: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> HTMLResponse:
    """The flagged parts that wait for a decision."""
    page = looking.get_waiting_page(
        runtime.database,
        after_id=after,
        wanted=wanted,
        reviewer=_name(visit),
        # An address that asks for something, be it for all, means it.
        is_arriving=not request.query_params,
    )
    return visit.show(
        "review/queue.html",
        page=page,
        is_first_page=after is None,
        asked_words=wording.describe_filter,
        orders=QueueOrder,
        explain=wording.explain,
        place=wording.place_on_scale,
        pass_at=wording.PASS_AT,
        fail_at=wording.FAIL_AT,
        bundle_id=runtime.inspector.bundle_id,
    )


@router.get("/review/{inspection_id}")
def get_part_page(
    visit: VisitDependency, runtime: RuntimeDependency, wanted: WantedDependency, inspection_id: InspectionId
) -> HTMLResponse:
    """One part, to be decided."""
    return _show_part(visit, runtime, wanted, inspection_id, "review/part_page.html")


@router.get("/review/{inspection_id}/part")
def get_part(
    visit: VisitDependency, runtime: RuntimeDependency, wanted: WantedDependency, inspection_id: InspectionId
) -> HTMLResponse:
    """The same without the frame around it, for the page to fetch ahead."""
    return _show_part(visit, runtime, wanted, inspection_id, "review/part.html")


@router.get("/review/{inspection_id}/neighbours")
def get_neighbours(visit: VisitDependency, runtime: RuntimeDependency, inspection_id: InspectionId) -> HTMLResponse:
    """What to compare the part with: good parts that look most like it, and earlier parts of its lot."""
    found = looking.get_neighbours(runtime.database, inspection_id, reviewer=_name(visit))
    bits = runtime.inspector.manifest.preprocessing.significant_bits
    good = nearest(found.row, found.passed, runtime.image_store, significant_bits=bits)
    return visit.show("review/neighbours.html", good=good, of_lot=found.of_lot)


@router.get("/review/{inspection_id}/certificate")
def get_certificate(visit: VisitDependency, runtime: RuntimeDependency, inspection_id: InspectionId) -> HTMLResponse:
    """Everything on record of one inspection, on a page that can be printed."""
    history = looking.get_history(runtime.database, inspection_id, reviewer=_name(visit))
    row = history.row
    return visit.show(
        "review/certificate.html",
        row=row,
        history=history,
        provenance=None if row.bundle_id is None else runtime.shelf.find_provenance(row.bundle_id),
        why=wording.explain(row, visit.words),
        scales=wording.scales_of(row, visit.words),
        figure=wording.format_within(row.local_pass_limit, row.local_fail_limit),
        decision_words=_decision_words(visit),
    )


@router.get("/review/{inspection_id}/picture")
def get_picture(
    runtime: RuntimeDependency,
    inspection_id: InspectionId,
    size: Annotated[Literal["full", "thumbnail"], Query()] = "full",
) -> Response:
    """The image as a browser can show it."""
    data = runtime.image_store.get(get_stored_images(runtime.database, inspection_id).image_sha256)
    picture, kind = pictures.render_picture(
        data,
        significant_bits=runtime.inspector.manifest.preprocessing.significant_bits,
        longest_px=pictures.THUMBNAIL_PX if size == "thumbnail" else None,
    )
    return Response(picture, media_type=kind, headers={"Cache-Control": _KEEP})


def _show_part(visit: Visit, runtime: Runtime, wanted: QueueFilter, inspection_id: int, template: str) -> HTMLResponse:
    part = looking.get_part_in_review(runtime.database, inspection_id, wanted=wanted, reviewer=_name(visit))
    return visit.show(
        template,
        part=part,
        row=part.row,
        why=wording.explain(part.row, visit.words),
        scales=wording.scales_of(part.row, visit.words),
        figure=wording.format_within(part.row.local_pass_limit, part.row.local_fail_limit),
        pass_at=wording.PASS_AT,
        fail_at=wording.FAIL_AT,
        decision_words=_decision_words(visit),
        drift_words={kind: visit.words(message) for kind, message in KINDS.items()},
    )


def _name(visit: Visit) -> str:
    return visit.caller.name if visit.caller else ""


def _decision_words(visit: Visit) -> dict[Decision, str]:
    return {decision: visit.words(message) for decision, message in wording.DECISIONS.items()}
