"""The factory over HTTP: what comes in signed, what is fetched again, and how the receivers do."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from service.callers import Caller, Permission
from service.errors import NotFound, NotSignedIn
from service.factory import operations
from service.factory.plan import read_secret
from service.factory.schemas import Above, AnnouncementAnswer, AnnouncementRequest, OutboxPage, ReceiverList
from service.factory.signing import SIGNATURE_HEADER, find_fault
from service.labels import Label
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs, open_to_all
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1", tags=["factory"])


async def require_signature(request: Request, runtime: RuntimeDependency) -> None:
    """The body is signed with the secret that the factory file names. Raises NotFound or NotSignedIn."""
    inbound = runtime.factory.inbound if runtime.factory else None
    if inbound is None:
        raise NotFound("announcements: are not taken here", "name inbound.secret_file in the factory file")
    secret = read_secret(inbound.secret_file, "inbound.secret_file")
    shown = request.headers.get(SIGNATURE_HEADER)
    if fault := find_fault(shown, secret, await request.body(), now_s=time.time()):
        raise NotSignedIn(f"{SIGNATURE_HEADER}: {fault}", "sign `t.body` with the secret of inbound.secret_file")


@router.post(
    "/announcements",
    status_code=201,
    summary="Say which lot or part number stands before a camera",
    dependencies=[open_to_all(), Depends(require_signature)],
    responses=problem_responses(401, 404, 413, 422, 503),
)
def post_announcement(runtime: RuntimeDependency, request: AnnouncementRequest) -> AnnouncementAnswer:
    """Needs no key but a signature, as webhooks carry it: `Kensa-Signature: t=SECONDS,v1=HEX`, see docs/factory-io.md.

    Images of that station that name no lot belong to it from then on, by the time they were taken.
    """
    return operations.announce(runtime.database, request, source="webhook")


@router.get(
    "/outbox", summary="Verdicts as the plant's systems get them", responses=problem_responses(401, 403, 404, 422, 503)
)
def get_outbox(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.READ_RECORD)],
    station: Annotated[Label, Query(description="Of this station.")],
    above: Annotated[Above, Query(description="Only those with a higher sequence number.")] = 0,
) -> OutboxPage:
    """For a receiver that has found a gap in the numbers. Kept for some days."""
    caller.require_station(station)
    return operations.get_outbox(runtime.database, station, above=above)


@router.get(
    "/receivers",
    summary="Who is told of verdicts, and how far",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def list_receivers(runtime: RuntimeDependency) -> ReceiverList:
    """By name."""
    return operations.list_receivers(runtime.database, runtime.factory)
