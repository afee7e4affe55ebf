"""Charts as inline SVG whose colours are the page's: readable on paper, on a light and on a dark screen."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from inspection.calibration.thresholds import Limits

# Matplotlib writes plain colours; each of these stands for one of the page's own.
_INKS = {
    "#000001": "var(--ink)",
    "#000002": "var(--faint)",
    "#000003": "var(--good)",
    "#000004": "var(--bad)",
    "#000005": "var(--accent)",
    "#000006": "var(--second)",
}
_INK, _FAINT, _GOOD, _BAD, _ACCENT, _SECOND = _INKS
_LINES = (_ACCENT, _SECOND, _GOOD, _BAD)
HELD_OUT, SOUND, DEFECTIVE = "unlabeled, held out", "good", "defective"
GROUP_INKS = {HELD_OUT: _FAINT, SOUND: _GOOD, DEFECTIVE: _BAD}
_SIZE = (5.2, 3.1)
_STYLE = {
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.size": 9.0,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _FAINT,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Line:
    """One curve: its name, and points [n] over [n]."""

    name: str
    x: np.ndarray
    y: np.ndarray


def roc_chart(scores: dict[str, np.ndarray], is_defective: np.ndarray) -> str:
    """Caught defective parts over failed good ones, by stage."""
    lines = []
    for stage, values in scores.items():
        failed, caught, _ = roc_curve(is_defective, values, drop_intermediate=False)
        lines.append(Line(stage, failed, caught))
    return _lines_chart(lines, "good parts failed (overkill)", "defective parts caught", "ROC curve of each stage")


def escape_chart(scores: dict[str, np.ndarray], is_defective: np.ndarray) -> str:
    """Escapes over overkill, where plants work: up to 20 % overkill."""
    lines = []
    for stage, values in scores.items():
        failed, caught, _ = roc_curve(is_defective, values, drop_intermediate=False)
        lines.append(Line(stage, failed, 1 - caught))
    label = "Escapes over overkill by stage, up to 20 percent overkill"
    return _lines_chart(lines, "overkill", "escapes", label, limits=(0, 0.2), marks=(0.01, 0.05))


def histogram_chart(name: str, groups: dict[str, np.ndarray], limits: Limits) -> str:
    """How often each score is seen in each group of pictures, with the two limits; groups as in `GROUP_INKS`."""

    def draw(axes: Any) -> None:
        values = np.concatenate(list(groups.values()))
        # Unjudgeable pictures have the largest number there is; they would leave no room for the others.
        judged = values[values < np.finfo(np.float32).max / 2]
        high = max(float(np.quantile(judged, 0.995)), limits.fail_limit * 1.05)
        edges = np.linspace(float(judged.min()), high, 30)
        for group, scores in groups.items():
            axes.hist(
                np.clip(scores, edges[0], edges[-1]),
                bins=edges,
                weights=np.full(len(scores), 1 / max(len(scores), 1)),
                label=f"{group} ({len(scores)})",
                histtype="stepfilled",
                facecolor=GROUP_INKS[group],
                edgecolor=GROUP_INKS[group],
                alpha=0.5,
            )
        for limit, ink in ((limits.pass_limit, _INK), (limits.fail_limit, _BAD)):
            axes.axvline(limit, color=ink, linewidth=1.2, linestyle="--")
        axes.set_xlabel(f"{name} score (dashed: pass limit, fail limit)")
        axes.set_ylabel("share of the group")
        axes.legend()

    return _svg(draw, f"Histogram of the {name} score")


def curve_chart(
    counts: Sequence[int], values: Sequence[float], bounds: Sequence[tuple[float, float] | None], name: str
) -> str:
    """The learning curve: a figure over the number of unlabeled images."""

    def draw(axes: Any) -> None:
        axes.plot(counts, values, color=_ACCENT, marker="o")
        for count, around in zip(counts, bounds, strict=True):
            if around is not None:
                axes.plot([count, count], around, color=_ACCENT, linewidth=1, alpha=0.6)
        axes.set_xscale("log")
        axes.set_xticks(list(counts), [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("unlabeled images learned from")
        axes.set_ylabel(name)

    return _svg(draw, "Learning curve")


def _lines_chart(
    lines: list[Line],
    x_name: str,
    y_name: str,
    label: str,
    *,
    limits: tuple[float, float] = (0, 1),
    marks: tuple[float, ...] = (),
) -> str:
    def draw(axes: Any) -> None:
        for line, colour in zip(lines, _LINES, strict=False):
            axes.plot(line.x, line.y, label=line.name, color=colour, linewidth=1.6, drawstyle="steps-post")
        for mark in marks:
            axes.axvline(mark, color=_FAINT, linewidth=1, linestyle="--")
        axes.set_xlim(*limits)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(x_name)
        axes.set_ylabel(y_name)
        axes.legend()

    return _svg(draw, label)


def _svg(draw: Any, label: str) -> str:
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=_SIZE, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        axes.grid(visible=True, linewidth=0.5, alpha=0.5)
        axes.set_axisbelow(True)
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    svg = text[text.index("<svg") :]
    for plain, ink in _INKS.items():
        svg = svg.replace(plain, ink)
    # The page sets the size; ids are the file's own, and several charts share one page.
    svg = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1
    )
    prefix = re.sub(r"\W+", "-", label.lower())
    svg = re.sub(r'id="', f'id="{prefix}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\1{prefix}-", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
