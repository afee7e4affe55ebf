"""The pages of bundles: which there are, where each comes from, and the way back."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.nightly.operations import describe_gate
from service.profiles.operations import list_pinned
from service.registry import operations
from service.registry.operations import Scope
from service.registry.schemas import BundleId
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@dataclass(frozen=True, slots=True)
class Seat:
    """Who judges the plant, or one line of it, for the page."""

    line: Scope
    stations: tuple[str, ...]
    champion_id: str
    previous_id: str | None
    anchor_id: str | None


@router.get("/bundles")
def get_bundles_page(
    visit: VisitDependency, runtime: RuntimeDependency, took_ms: Annotated[float | None, Query(ge=0, le=1e9)] = None
) -> HTMLResponse:
    """The champion of the plant and of each line, the promotions so far, and one click to the champion before.

    `took_ms` is what the answer to that click said.
    """
    champions = runtime.in_force.champions
    with runtime.database.reading() as session:
        seats = [
            Seat(
                line=scope,
                stations=runtime.nights.scopes.stations.get(scope or "", ()),
                champion_id=champion.bundle_id,
                previous_id=operations.find_previous_id(session, scope),
                anchor_id=operations.find_anchor_id(session, scope),
            )
            for scope, champion in champions.items()
        ]
    return visit.show(
        "registry/bundles.html",
        seats=seats,
        took_ms=took_ms,
        pinned=list_pinned(runtime.database),
        promotions=operations.list_promotions(runtime.database),
        known_ids=runtime.shelf.known_ids,
        loaded_ids=runtime.shelf.loaded_ids,
    )


@router.get("/bundles/{bundle_id}")
def get_bundle_page(visit: VisitDependency, runtime: RuntimeDependency, bundle_id: BundleId) -> HTMLResponse:
    """Parent, pictures, recipe, the gate's report, and who approved it."""
    story = operations.tell_story(runtime.database, bundle_id)
    gate = story.lineage.gate if story.lineage else None
    with runtime.database.reading() as session:
        scope = operations.find_scope(session, bundle_id)
    champion_id = runtime.in_force.champion_of(scope).bundle_id
    return visit.show(
        "registry/bundle.html",
        story=story,
        checks=describe_gate(gate, visit.language) if gate else [],
        champion_id=champion_id,
        rescoring=operations.count_rescored(runtime.database, bundle_id, champion_id),
    )
