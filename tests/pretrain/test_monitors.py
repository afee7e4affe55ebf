"""What goes wrong in a run is named while it can be mended."""

from __future__ import annotations

import pytest
import torch

from inspection.errors import TrainingError
from pretrain.method import StepLosses
from pretrain.training.monitors import check_step


def losses(total: float = 1.0, spread: float = 0.9, **terms: float) -> StepLosses:
    return StepLosses(torch.tensor(total), {name: torch.tensor(value) for name, value in terms.items()}, spread)


@pytest.mark.parametrize("total", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_told_term_by_term(total: float) -> None:
    with pytest.raises(TrainingError) as raised:
        check_step(losses(total, **{"global": 4.25, "local": float("nan")}), 17)
    assert str(raised.value) == (
        "step 17: the loss is not finite (global 4.25, local nan): lower optimisation.learning_rate"
    )


def test_collapse_is_told_once_the_start_is_over() -> None:
    check_step(losses(spread=0.0), 5)
    with pytest.raises(TrainingError, match=r"step 40: collapse, all predictions are alike \(spread 1e-05\): lower"):
        check_step(losses(spread=1e-5), 40)


def complaint(step_losses: StepLosses, step: int) -> str | None:
    try:
        check_step(step_losses, step)
    except TrainingError as error:
        return str(error)
    return None


def test_a_healthy_step_passes() -> None:
    assert [complaint(losses(spread=spread), step) for spread in (0.05, 1.0) for step in (0, 10_000)] == [None] * 4
    assert complaint(losses(spread=1e-5), 10_000) is not None
