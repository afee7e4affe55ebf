"""Every error, of every route, as one body: application/problem+json (RFC 9457) with a remedy."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from inspection.errors import KensaError, StorageError
from inspection.verdict import Verdict
from service.errors import NotSignedIn, RequestError, TooManyAttempts
from service.runtime import Runtime
from service.web.visit import visit_of

log = structlog.get_logger("kensa.web")
PROBLEM_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One field of a request that was refused."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong, and what to do."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:kensa:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["inspection 17: does not exist"])
    remedy: str = Field(examples=["take an id from GET /api/v1/inspections"])
    verdict: Verdict | None = Field(
        None, description="HOLD in the answer to a camera: without a verdict its part is to be held.", examples=["HOLD"]
    )
    faults: list[Fault] = Field(
        default_factory=list, description="The refused fields, where the request was not valid."
    )


_REMEDIES = {
    400: "correct the request as the API's description at /api/v1/openapi.json has it",
    404: "take an address from /api/v1/openapi.json, or start at /review",
    413: "send fewer pixels or a compressed format, or start the service with a higher --upload-limit-mb",
    408: "send the whole body at once, or start the service with a higher KENSA_UPLOAD_PATIENCE_S",
    405: "use one of the methods named in the Allow header",
}
# InternalError is what a PostgreSQL answers that takes no writes, after a failover.
_UNREACHABLE = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's OpenAPI: the problems it may answer with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a Problem."""

    @app.exception_handler(KensaError)
    async def _known(request: Request, error: KensaError) -> Response:
        status = error.status if isinstance(error, RequestError) else 503
        if status == 401 and _is_page(request):
            return RedirectResponse(f"/sign-in?{urlencode({'next': request.url.path})}", 303)
        kind, headers = type(error).__name__, _headers_of(error)
        return _answer(request, status, error.problem, error.remedy, kind=kind, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [Fault(field=".".join(map(str, fault["loc"])), message=fault["msg"]) for fault in error.errors()]
        first = f"{faults[0].field}: {faults[0].message}"
        return _answer(request, 422, first, "correct the field and send again", faults=faults)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        remedy = _REMEDIES.get(error.status_code, _REMEDIES[400])
        detail = f"{request.method} {request.url.path}: {error.detail}"
        return _answer(request, error.status_code, detail, remedy, headers=error.headers)

    async def _unreachable(request: Request, error: Exception) -> Response:
        log.error("database_failed", error=str(getattr(error, "orig", error)))
        known = StorageError("the database does not take or give data", "free its disk or start it, then send again")
        return _answer(request, 503, known.problem, known.remedy, kind="StorageError")

    for kind in _UNREACHABLE:
        app.add_exception_handler(kind, _unreachable)

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=error)
        detail = f"{request.method} {request.url.path}: the service failed ({type(error).__name__})"
        return _answer(request, 500, detail, "send again; if it fails again, report it with the service's log")


def _answer(
    request: Request,
    status: int,
    detail: str,
    remedy: str,
    *,
    kind: str | None = None,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    title = HTTPStatus(status).phrase
    slug = _slug(kind) if kind else title.lower().replace(" ", "-")
    problem = Problem(
        type=f"urn:kensa:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        remedy=remedy,
        # Set by a route that a camera waits at.
        verdict=Verdict.HOLD if getattr(request.state, "holds_part", False) else None,
        faults=faults or [],
    )
    runtime: Runtime | None = getattr(request.app.state, "runtime", None)
    if runtime is not None:
        runtime.metrics.problems.labels(str(status)).inc()
    extra = dict(headers or {})
    if status == 503:
        extra["Retry-After"] = "5"
    if _is_page(request):
        return HTMLResponse(visit_of(request).render("problem.html", problem=problem), status, headers=extra)
    return JSONResponse(problem.model_dump(), status, headers=extra, media_type=PROBLEM_TYPE)


def _headers_of(error: KensaError) -> dict[str, str]:
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": 'Bearer realm="Kensa"'}
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(max(math.ceil(error.retry_after_s), 1))}
    return {}


def _is_page(request: Request) -> bool:
    """A person's browser at a page; programs and scripts get JSON everywhere."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _slug(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
