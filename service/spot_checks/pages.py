"""The page that says what spot checks say."""

import math
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from service.callers import Permission
from service.labels import Label
from service.lately import SPANS, Lately
from service.spot_checks import operations
from service.spot_checks.rates import Method
from service.spot_checks.schemas import AgreementAnswer, CheckScope, RateAnswer
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.languages import mark
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
_METHODS = {
    Method.EXACT: mark("exact bounds (Clopper-Pearson)"),
    Method.WEIGHTED: mark("weighted bounds (Korn-Graubard), as parts were drawn with several probabilities"),
}

# A form sends every field; an empty one asks for nothing.
_Chosen: TypeAlias = Annotated[Label | None, BeforeValidator(lambda value: value or None)]


@router.get("/spot-checks")
def get_spot_checks(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    station: Annotated[_Chosen, Query()] = None,
    line: Annotated[_Chosen, Query()] = None,
    days: Annotated[Lately, Query()] = Lately.QUARTER,
) -> HTMLResponse:
    """Escapes, overkill, agreement."""
    scope = CheckScope(station=station, line=line, since=days.since())
    found = operations.report(runtime.database, scope)
    return visit.show(
        "spot_checks/spot_checks.html",
        report=found,
        scope=scope,
        days=days,
        spans={span.value: visit.words(message) for span, message in SPANS.items()},
        places=operations.find_places(runtime.database),
        escapes_in_words=_escapes_in_words(visit, found.escapes.defective_share),
        methods={method: visit.words(message) for method, message in _METHODS.items()},
        kappa_in_words=lambda agreement: _kappa_in_words(visit, agreement),
    )


def _escapes_in_words(visit: Visit, share: RateAnswer) -> str:
    """The one sentence that a quality manager asks for."""
    if share.rate is None:
        return visit.words("No spot check has been decided yet.")
    return visit.words(
        "%(count)s defective in %(total)s spot checks: at %(confidence)s confidence, less than %(bound)s of the parts "
        "that pass are defective.",
        count=visit.language.number(share.count),
        total=visit.language.number(share.total),
        confidence=visit.language.percent(share.confidence),
        bound=visit.language.percent(_rounded_up(share.upper_bound)),
    )


def _rounded_up(bound: float) -> float:
    """To two digits that count: a bound must not promise more than it is."""
    step = 10.0 ** (math.floor(math.log10(bound)) - 1) if bound > 0 else 1.0
    return min(math.ceil(bound / step) * step, 1.0)


def _kappa_in_words(visit: Visit, agreement: AgreementAnswer) -> str:
    if agreement.kappa is None or agreement.kappa_low is None or agreement.kappa_high is None:
        return "–"
    low, high = (visit.language.number(round(bound, 2)) for bound in (agreement.kappa_low, agreement.kappa_high))
    return visit.words("between %(low)s and %(high)s", low=low, high=high)
