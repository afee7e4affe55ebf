"""Watching a run: what has gone wrong is named while it can still be mended."""

import math

from inspection.errors import TrainingError
from pretrain.method import StepLosses

_COLLAPSED_SPREAD = 1e-3
_STEPS_BEFORE_COLLAPSE = 20


def check_step(losses: StepLosses, step: int) -> None:
    """Raise TrainingError for a loss that is no number, and for predictions that are all the same (collapse)."""
    if not math.isfinite(losses.total.item()):
        named = ", ".join(f"{name} {term.item():.3g}" for name, term in losses.terms.items())
        raise TrainingError(f"step {step}: the loss is not finite ({named})", "lower optimisation.learning_rate")
    if step >= _STEPS_BEFORE_COLLAPSE and losses.spread < _COLLAPSED_SPREAD:
        raise TrainingError(
            f"step {step}: collapse, all predictions are alike (spread {losses.spread:.2g})",
            "lower optimisation.learning_rate or raise method.temperature",
        )
