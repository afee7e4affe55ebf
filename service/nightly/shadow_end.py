"""The end of a shadow: enough parts were scored by both, and the policy or a person decides."""

import structlog

from service.errors import Outdated
from service.nightly import nights
from service.nightly.plan import PromotionPlan
from service.nightly.promotion import promote_challenger
from service.nightly.tables import Night, NightState, Reason
from service.nightly.workshop import Workshop
from service.shadow import operations as shadows
from service.shadow.operations import Progress

log = structlog.get_logger("kensa.nightly")


def settle_shadows(workshop: Workshop) -> None:
    """Look at every challenger that shadows, and end what is at its end."""
    with workshop.database.reading() as session:
        shadowed = nights.find_in_state(session, (NightState.SHADOW,))
    for night in shadowed:
        if night.challenger_id is None:
            continue
        progress = shadows.get_progress(workshop.database, night.challenger_id)
        plan = workshop.plan.line(night.line).promotion
        if progress.trouble is not None:
            _keep(workshop, night, Reason.SHADOW_FAILED, progress.trouble)
        elif progress.part_count >= plan.shadow_parts:
            shadows.stop(workshop.database, night.challenger_id, author=f"night {night.name}")
            _conclude(workshop, night, plan, progress)


def is_clear(plan: PromotionPlan, progress: Progress) -> bool:
    """May it be promoted without a person? Few verdicts flip, and nobody has found one that flips for the worse."""
    return (
        plan.mode == "automatic"
        and progress.worse_count == 0
        and progress.flip_count <= plan.most_flips * progress.part_count
    )


def _conclude(workshop: Workshop, night: Night, plan: PromotionPlan, progress: Progress) -> None:
    figures = {**night.figures, "shadow_parts": progress.part_count, "shadow_flips": progress.flip_count}
    if not is_clear(plan, progress):
        nights.end(workshop.database, night.name, NightState.AWAITING, figures=figures)
        return
    author = f"night {night.name}"
    try:
        promote_challenger(
            workshop.database,
            str(night.challenger_id),
            instead_of=str(night.champion_id),
            author=author,
            note=f"automatic, after {progress.part_count} shadowed parts",
            scope=workshop.plan.line(night.line).scope,
        )
    except Outdated as error:
        _keep(workshop, night, Reason.OUTDATED, str(error))
        return
    nights.end(workshop.database, night.name, NightState.PROMOTED, figures=figures, author=author)


def _keep(workshop: Workshop, night: Night, reason: Reason, detail: str) -> None:
    log.warning("challenger_declined", night=night.name, reason=reason.value, detail=detail)
    nights.end(workshop.database, night.name, NightState.KEPT, reason=reason, detail=detail)
