"""A request to a trigger and the image's bytes: multipart, or the image itself with the fields in the address."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from service.errors import UnsupportedMediaType
from service.intake.schemas import Trigger

_IMAGE_FIELD = "image"


async def read_upload(request: Request) -> tuple[Trigger, bytes]:
    """Raises RequestValidationError naming the field, or UnsupportedMediaType."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return await _read_multipart(request)
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return _read_trigger(request.query_params.multi_items(), "query"), await request.body()
    raise UnsupportedMediaType(
        f"a body of type {media_type or '(none)'} cannot be inspected",
        "send multipart/form-data with a file `image`, or the image itself as image/png or application/octet-stream",
    )


async def _read_multipart(request: Request) -> tuple[Trigger, bytes]:
    async with request.form(max_files=1, max_fields=16) as form:
        image = form.get(_IMAGE_FIELD)
        fields = [(name, value) for name, value in form.multi_items() if name != _IMAGE_FIELD]
        trigger = _read_trigger(fields, "body")
        if not isinstance(image, UploadFile):
            raise _invalid("body", _IMAGE_FIELD, "no file of this name in the form")
        return trigger, await image.read()


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
