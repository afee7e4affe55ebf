"""poc.html: one file that needs nothing else, to be read by the people who decide."""

from importlib import resources
from pathlib import Path

import jinja2
import numpy as np

from distill.poc.charts import DEFECTIVE, HELD_OUT, SOUND, curve_chart, escape_chart, histogram_chart, roc_chart
from distill.poc.gallery import Exhibit, most_suspicious, worst_false_alarms, worst_misses
from distill.poc.report import Report
from inspection import __version__

_SERVING = "onnx"


def write_page(path: Path, report: Report, data: Path) -> None:
    """Draw the page of `report` to `path`."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": _percent, "figure": _figure, "span": _span}
    source = resources.files("distill.poc").joinpath("templates/poc.html").read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        report=report,
        document=report.document,
        manifest=report.manifest,
        charts=_charts(report),
        galleries=_galleries(report),
        data=data.resolve().name,
        version=__version__,
    )
    path.write_text(page, encoding="utf-8")


def _charts(report: Report) -> dict[str, str]:
    charts: dict[str, str] = {}
    thresholds = report.manifest.thresholds
    groups = _groups(report)
    charts["local"] = histogram_chart("local", {name: pair[0] for name, pair in groups.items()}, thresholds.local_score)
    charts["global"] = histogram_chart(
        "global", {name: pair[1] for name, pair in groups.items()}, thresholds.global_score
    )
    if report.labeled is not None and 0 < report.labeled.is_defective.sum() < len(report.labeled.pictures):
        scores = {stage: result.scores.local_score for stage, result in report.results.items()}
        charts["roc"] = roc_chart(scores, report.labeled.is_defective)
        charts["escapes"] = escape_chart(scores, report.labeled.is_defective)
    points = [point for point in report.points if point.figure is not None]
    if len(points) > 1:
        name = "image AUROC, real defects" if points[-1].image_auroc is not None else "AUROC, synthetic flaws"
        counts = [point.image_count for point in points]
        values = [point.figure for point in points if point.figure is not None]
        charts["curve"] = curve_chart(counts, values, [point.image_auroc_interval for point in points], name)
    return charts


def _groups(report: Report) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Local and global scores by group of pictures."""
    held_out = report.held_out.scores
    groups = {HELD_OUT: (held_out.local_score, held_out.global_score)}
    result = report.results.get(_SERVING)
    if report.labeled is not None and result is not None:
        defective = report.labeled.is_defective
        for name, members in ((SOUND, ~defective), (DEFECTIVE, defective)):
            if members.any():
                groups[name] = (result.scores.local_score[members], result.scores.global_score[members])
    return groups


def _galleries(report: Report) -> list[tuple[str, str, list[Exhibit]]]:
    """Titles, what they show, and exhibits."""
    limit = report.manifest.thresholds.local_score.pass_limit
    result = report.results.get(_SERVING)
    if report.labeled is not None and result is not None:
        pictures, scores, maps = report.labeled.pictures, result.scores.local_score, result.scores.anomaly_map
        return [
            (
                "Worst misses",
                "Defective parts whose local score is within the pass limit, lowest first. Green: the marked defect.",
                worst_misses(pictures, scores, maps, limit),
            ),
            (
                "Worst false alarms",
                "Good parts whose local score is above the pass limit, highest first.",
                worst_false_alarms(pictures, scores, maps, limit),
            ),
        ]
    held_out = report.held_out
    exhibits = most_suspicious(held_out.paths, held_out.scores.local_score, held_out.scores.anomaly_map, limit)
    about = "Unlabeled pictures that nothing learned from, highest local score first. Are these defects?"
    return [("Most suspicious", about, exhibits)]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _span(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f}"
