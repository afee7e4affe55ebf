"""The verdict contract over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from inspection.scoring.heat_map import colour_heat_map
from inspection.verdict import Reason, Verdict
from service.callers import Caller, Permission
from service.errors import NotFound, Overloaded
from service.intake import operations
from service.intake.answers import to_part_answer, worst_of
from service.intake.part_route import PartRoute
from service.intake.queries import InspectionFilter
from service.intake.recording import Recorded
from service.intake.schemas import InspectionAnswer, InspectionPage, PartAnswer, Trigger
from service.intake.upload import MAX_IMAGES, read_part_upload, read_upload
from service.labels import Label
from service.runtime import Runtime
from service.web.dependencies import InspectionId, RuntimeDependency
from service.web.guard import needs
from service.web.media import media_type_of
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/inspections", tags=["inspections"])
parts = APIRouter(prefix="/api/v1/parts", tags=["inspections"])
cameras = APIRouter(prefix="/api/v1", tags=["inspections"], route_class=PartRoute)

_IMAGE_BODY = {"schema": {"type": "string", "format": "binary"}}
_TRIGGER = Trigger.model_json_schema()
_UPLOAD: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": {key: value for key, value in field.items() if key not in ("description", "examples")},
            "description": f"{field['description']} For a body that is the image itself; else a form field.",
        }
        for name, field in _TRIGGER["properties"].items()
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", *_TRIGGER["required"]],
                    "properties": {"image": {"type": "string", "format": "binary"}, **_TRIGGER["properties"]},
                }
            },
            **dict.fromkeys(("image/png", "image/jpeg", "image/bmp", "image/tiff"), _IMAGE_BODY),
            "application/octet-stream": _IMAGE_BODY,
        },
    },
}
Sender = Annotated[Caller, needs(Permission.SEND_PARTS)]
Reader = Annotated[Caller, needs(Permission.READ_RECORD)]
_PART_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", *_TRIGGER["required"]],
                    "properties": {
                        "image": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "minItems": 1,
                            "maxItems": MAX_IMAGES,
                        },
                        **_TRIGGER["properties"],
                    },
                }
            }
        },
    }
}
_KEEP = "private, max-age=31536000, immutable"


@cameras.post(
    "/inspections",
    status_code=201,
    response_model=InspectionAnswer,
    summary="Inspect one image",
    response_description="The verdict; image and verdict are durable.",
    responses={
        200: {"model": InspectionAnswer, "description": "This trigger was inspected before: its first verdict."},
        **problem_responses(401, 403, 413, 415, 422, 503),
    },
    openapi_extra=_UPLOAD,
)
async def post_inspection(request: Request, runtime: RuntimeDependency, caller: Sender) -> Response:
    """Send a PNG, JPEG, BMP or TIFF, grey or colour, 8 or 16 bits.

    An image that cannot be judged (damaged, too dark, too late) or stored is recorded and held for a person: verdict
    HOLD with its reason. After 503 send again: nothing was stored, or the part's HOLD as overloaded, which comes back.
    """
    request.state.holds_part = True
    trigger, image = await read_upload(request)
    recorded = await _take_in(runtime, caller, trigger, [image])
    # Of a trigger that took several images, the one that decides about the part.
    answer = worst_of(recorded.answers)
    return _answer(recorded, answer, {"Location": answer.links.itself})


@cameras.post(
    "/parts",
    status_code=201,
    response_model=PartAnswer,
    summary="Inspect several images of one part",
    response_description="One verdict; images and verdicts are durable.",
    responses={
        200: {"model": PartAnswer, "description": "This trigger was inspected before: its first verdict."},
        **problem_responses(401, 403, 413, 415, 422, 503),
    },
    openapi_extra=_PART_UPLOAD,
)
async def post_part(request: Request, runtime: RuntimeDependency, caller: Sender) -> Response:
    """One trigger, up to 16 files named `image`. All are recorded together or none; the worst one decides."""
    request.state.holds_part = True
    trigger, images = await read_part_upload(request)
    recorded = await _take_in(runtime, caller, trigger, images)
    return _answer(recorded, to_part_answer(recorded.answers), {})


@parts.get("", summary="One verdict of a part", responses=problem_responses(401, 403, 404, 422, 503))
def get_part(
    runtime: RuntimeDependency, caller: Reader, part_id: Annotated[Label, Query(description="The part's own id.")]
) -> PartAnswer:
    """From all its inspections, of every trigger and station: the worst decides."""
    answer = operations.get_part(runtime.database, part_id)
    for inspection in answer.inspections:
        caller.require_station(inspection.station)
    return answer


async def _take_in(runtime: Runtime, caller: Caller, trigger: Trigger, images: list[bytes]) -> Recorded:
    """Both ways to post an image go on here."""
    caller.require_station(trigger.station)
    recorded = await operations.take_in(runtime, trigger, images)
    _push_back(runtime, recorded)
    return recorded


def _answer(recorded: Recorded, answer: InspectionAnswer | PartAnswer, headers: dict[str, str]) -> Response:
    """200 tells a sender that the trigger was known."""
    status = 201 if recorded.was_first else 200
    return Response(answer.model_dump_json(), status, headers, media_type="application/json")


def _push_back(runtime: Runtime, recorded: Recorded) -> None:
    """Raises Overloaded where parts come too fast: the camera slows down, and finds the HOLD when it asks again."""
    held = [answer for answer in recorded.answers if answer.reason is Reason.OVERLOADED]
    if held and recorded.was_first:
        runtime.alarms.raise_alarm("overloaded", held[0].detail)
        raise Overloaded(
            f"trigger {held[0].trigger_id}: {held[0].detail}; the part is held as inspection {held[0].id}",
            "slow down; the same trigger gives that verdict from now on",
        )


@router.get("", summary="List inspections", responses=problem_responses(401, 403, 422, 503))
def list_inspections(
    runtime: RuntimeDependency,
    caller: Reader,
    station: Annotated[Label | None, Query(description="Only of this station.")] = None,
    lot: Annotated[Label | None, Query(description="Only of this lot.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Only with this verdict.")] = None,
    cursor: Annotated[str | None, Query(description="The `next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> InspectionPage:
    """Newest first. A station key must name a station it holds for."""
    caller.require_station(station)
    wanted = InspectionFilter(station=station, lot=lot, verdict=verdict)
    return operations.list_inspections(runtime.database, wanted, cursor=cursor, limit=limit)


@router.get("/{inspection_id}", summary="One inspection", responses=problem_responses(401, 403, 404, 422, 503))
def get_inspection(runtime: RuntimeDependency, caller: Reader, inspection_id: InspectionId) -> InspectionAnswer:
    """As it was answered to the camera."""
    answer = operations.get_inspection(runtime.database, inspection_id)
    caller.require_station(answer.station)
    return answer


@router.get(
    "/{inspection_id}/image",
    summary="The image as it was sent",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}}, **problem_responses(401, 403, 404, 422, 503)},
)
def get_image(runtime: RuntimeDependency, caller: Reader, inspection_id: InspectionId) -> Response:
    """Byte for byte."""
    images = operations.get_stored_images(runtime.database, inspection_id)
    caller.require_station(images.station)
    data = runtime.image_store.get(images.image_sha256)
    return Response(data, media_type=media_type_of(data), headers={"Cache-Control": _KEEP})


@router.get(
    "/{inspection_id}/heat-map",
    summary="The heat map, a transparent PNG to lay over the image",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **problem_responses(401, 403, 404, 422, 503)},
)
def get_heat_map(runtime: RuntimeDependency, caller: Reader, inspection_id: InspectionId) -> Response:
    """Clear below half the pass limit, full at twice the pass limit."""
    images = operations.get_stored_images(runtime.database, inspection_id)
    caller.require_station(images.station)
    if images.heat_map_sha256 is None:
        raise NotFound(
            f"inspection {inspection_id}: has no heat map, its image could not be scored", "see its `detail`"
        )
    data = colour_heat_map(runtime.image_store.get(images.heat_map_sha256))
    return Response(data, media_type="image/png", headers={"Cache-Control": _KEEP})
