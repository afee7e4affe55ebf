"""The page on which limits are tried before they come into force."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from inspection.calibration.thresholds import Limits
from service.callers import Permission
from service.labels import Label
from service.runtime import Runtime
from service.thresholds import operations
from service.thresholds.histograms import Histogram, histograms_of
from service.thresholds.operations import Bench
from service.thresholds.proposal import is_enough
from service.thresholds.schemas import CostQuery, ProposalQuery
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
_ROW_PX, _WIDTH_PX = 100, 1000
Words: TypeAlias = Callable[..., str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of parts in a histogram; `path` is an SVG path in 1000 x 100."""

    kind: str
    name: str
    count: int
    path: str


@dataclass(frozen=True, slots=True)
class _Chart:
    """One score: its histogram by kind, and its limits in force."""

    score: str
    name: str
    meaning: str
    histogram: Histogram
    rows: list[_Row]
    limits: Limits
    decimals: int


@router.get("/thresholds")
def get_thresholds_page(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    costs: Annotated[CostQuery, Query()],
    station: Annotated[Label | None, Query()] = None,
) -> HTMLResponse:
    """Of one station, or of the first there is."""
    stations = operations.find_stations(runtime)
    chosen = station or next(iter(stations), None)
    if chosen is None:
        return visit.show("no_station.html", title=visit.words("Thresholds"))
    return _show(visit, runtime, stations, chosen, costs)


def _show(visit: Visit, runtime: Runtime, stations: list[str], station: str, costs: CostQuery) -> HTMLResponse:
    bench = operations.set_up(runtime, station)
    query = ProposalQuery(station=station, **costs.model_dump())
    now = operations.try_limits(bench, bench.in_force, query)
    return visit.show(
        "thresholds/thresholds.html",
        bench=bench,
        stations=stations,
        costs=query,
        parts_per_shift=now.parts_per_shift,
        figures=now.figures.model_dump(),
        charts=_charts(bench, visit.words),
        fitting=operations.describe_half(bench.fitting),
        judging=operations.describe_half(bench.judging),
        can_propose=is_enough(bench.fitting) and is_enough(bench.judging),
        limits={
            "local_pass": bench.in_force.local_score.pass_limit,
            "local_fail": bench.in_force.local_score.fail_limit,
            "global_pass": bench.in_force.global_score.pass_limit,
            "global_fail": bench.in_force.global_score.fail_limit,
        },
    )


def _charts(bench: Bench, words: Words) -> list[_Chart]:
    limits = (bench.in_force.local_score, bench.in_force.global_score)
    local, overall = histograms_of(bench.fitting, limits)
    named = (
        ("local", words("Local score"), words("most unusual region"), local, limits[0]),
        ("global", words("Global score"), words("whole view"), overall, limits[1]),
    )
    return [
        _Chart(score, name, meaning, histogram, _rows(histogram, words), of, _decimals(of))
        for score, name, meaning, histogram, of in named
    ]


def _rows(histogram: Histogram, words: Words) -> list[_Row]:
    kinds = (
        ("unaudited", words("unaudited"), histogram.unaudited),
        ("false-alarm", words("found good"), histogram.false_alarm),
        ("confirmed", words("confirmed defects"), histogram.confirmed),
    )
    return [_Row(kind, name, sum(counts), _path(counts)) for kind, name, counts in kinds]


def _path(counts: list[int]) -> str:
    """A silhouette of bars. By the square root, so that a few parts beside thousands can still be seen."""
    highest = max(counts) ** 0.5 or 1.0
    step = _WIDTH_PX / len(counts)
    drawn = [f"M0 {_ROW_PX}"]
    for number, count in enumerate(counts):
        top = _ROW_PX - (_ROW_PX - 12) * count**0.5 / highest
        drawn.append(f"V{top:.1f}H{(number + 1) * step:.1f}")
    return "".join([*drawn, f"V{_ROW_PX}Z"])


def _decimals(limits: Limits) -> int:
    """As many as tell a score next to a limit from it."""
    return min(max(3 - math.floor(math.log10(limits.fail_limit - limits.pass_limit)), 0), 9)
