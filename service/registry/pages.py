"""The pages of bundles: which there are, where each comes from, and the way back."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.nightly.operations import describe_gate
from service.registry import operations
from service.registry.schemas import BundleId
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/bundles")
def get_bundles_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """The champion, the promotions so far, and one click to the champion before."""
    with runtime.database.reading() as session:
        previous_id = operations.find_previous_id(session)
    return visit.show(
        "registry/bundles.html",
        champion_id=runtime.inspector.bundle_id,
        previous_id=previous_id,
        promotions=operations.list_promotions(runtime.database),
        known_ids=runtime.shelf.known_ids,
        loaded_ids=runtime.shelf.loaded_ids,
    )


@router.get("/bundles/{bundle_id}")
def get_bundle_page(visit: VisitDependency, runtime: RuntimeDependency, bundle_id: BundleId) -> HTMLResponse:
    """Parent, pictures, recipe, the gate's report, and who approved it."""
    story = operations.tell_story(runtime.database, bundle_id)
    gate = story.lineage.gate if story.lineage else None
    return visit.show(
        "registry/bundle.html",
        story=story,
        checks=describe_gate(gate, visit.language) if gate else [],
        champion_id=runtime.inspector.bundle_id,
        rescoring=operations.count_rescored(runtime.database, bundle_id, runtime.inspector.bundle_id),
    )
