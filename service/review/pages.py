"""The pages on which a person decides."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.review import operations, pictures, wording
from service.review.tables import Decision
from service.web.dependencies import InspectionId, RuntimeDependency
from service.web.templating import render

router = APIRouter(include_in_schema=False)
_KEEP = "private, max-age=31536000, immutable"
_FRESH = {"Cache-Control": "no-store"}


@router.get("/")
def get_start() -> RedirectResponse:
    """The front door."""
    return RedirectResponse("/review", 307)


@router.get("/review")
def get_queue(
    runtime: RuntimeDependency, after: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None
) -> HTMLResponse:
    """The flagged parts that wait for a decision."""
    page = operations.get_waiting_page(runtime.database, after_id=after)
    html = render(
        "review/queue.html",
        page=page,
        is_first_page=after is None,
        summary=operations.summarise(runtime.database),
        explain=wording.explain,
        place=wording.place_on_scale,
        pass_at=wording.PASS_AT,
        fail_at=wording.FAIL_AT,
        bundle_id=runtime.inspector.bundle_id,
    )
    return HTMLResponse(html, headers=_FRESH)


@router.get("/review/{inspection_id}")
def get_part_page(runtime: RuntimeDependency, inspection_id: InspectionId) -> HTMLResponse:
    """One part, to be decided."""
    return HTMLResponse(_render_part(runtime, inspection_id, "review/part_page.html"), headers=_FRESH)


@router.get("/review/{inspection_id}/part")
def get_part(runtime: RuntimeDependency, inspection_id: InspectionId) -> HTMLResponse:
    """The same without the frame around it, for the page to fetch ahead."""
    return HTMLResponse(_render_part(runtime, inspection_id, "review/part.html"), headers=_FRESH)


@router.get("/review/{inspection_id}/picture")
def get_picture(
    runtime: RuntimeDependency,
    inspection_id: InspectionId,
    size: Annotated[Literal["full", "thumbnail"], Query()] = "full",
) -> Response:
    """The image as a browser can show it."""
    data = runtime.image_store.get(operations.get_image_sha256(runtime.database, inspection_id))
    picture, kind = pictures.render_picture(
        data,
        significant_bits=runtime.inspector.manifest.preprocessing.significant_bits,
        longest_px=pictures.THUMBNAIL_PX if size == "thumbnail" else None,
    )
    return Response(picture, media_type=kind, headers={"Cache-Control": _KEEP})


def _render_part(runtime: RuntimeDependency, inspection_id: int, template: str) -> str:
    part = operations.get_part_in_review(runtime.database, inspection_id)
    return render(
        template,
        part=part,
        row=part.row,
        why=wording.explain(part.row),
        scales=wording.scales_of(part.row),
        figure=wording.format_within(part.row.local_pass_limit, part.row.local_fail_limit),
        pass_at=wording.PASS_AT,
        fail_at=wording.FAIL_AT,
        decisions=Decision,
        bundle_id=runtime.inspector.bundle_id,
    )
