"""A request to a trigger and the image's bytes: multipart, or the image itself with the fields in the address."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from service.errors import UnsupportedMediaType
from service.intake.schemas import Trigger

MAX_IMAGES = 16
"""Of one part, in one request."""
_IMAGE_FIELD = "image"
_FORM = "multipart/form-data"


async def read_upload(request: Request) -> tuple[Trigger, bytes]:
    """One image. Raises RequestValidationError naming the field, or UnsupportedMediaType."""
    media_type = _media_type_of(request)
    if media_type == _FORM:
        trigger, images = await _read_form(request, max_images=1)
        return trigger, images[0]
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return _read_trigger(request.query_params.multi_items(), "query"), await request.body()
    raise UnsupportedMediaType(
        f"a body of type {media_type or '(none)'} cannot be inspected",
        "send multipart/form-data with a file `image`, or the image itself as image/png or application/octet-stream",
    )


async def read_part_upload(request: Request) -> tuple[Trigger, list[bytes]]:
    """Up to MAX_IMAGES images of one part, in the order sent. Raises as `read_upload` does."""
    if (media_type := _media_type_of(request)) != _FORM:
        raise UnsupportedMediaType(
            f"a body of type {media_type or '(none)'} cannot hold several images",
            "send multipart/form-data with files named `image`",
        )
    return await _read_form(request, max_images=MAX_IMAGES)


async def _read_form(request: Request, max_images: int) -> tuple[Trigger, list[bytes]]:
    async with request.form(max_files=max_images, max_fields=16) as form:
        fields = [(name, value) for name, value in form.multi_items() if name != _IMAGE_FIELD]
        trigger = _read_trigger(fields, "body")
        images = [image for image in form.getlist(_IMAGE_FIELD) if isinstance(image, UploadFile)]
        if not images:
            raise _invalid("body", _IMAGE_FIELD, "no file of this name in the form")
        return trigger, [await image.read() for image in images]


def _media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _read_trigger(fields: Iterable[tuple[str, Any]], place: str) -> Trigger:
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in values:
            raise _invalid(place, name, "given more than once")
        values[name] = value
    try:
        return Trigger.model_validate(values)
    except ValidationError as error:
        faults = [{**fault, "loc": (place, *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


def _invalid(place: str, name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": (place, name), "msg": message, "input": None}])
