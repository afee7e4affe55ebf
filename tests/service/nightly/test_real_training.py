"""One night with the real trainer, as small as it can be: what the fake one stands in for. Only with `--full`."""

from __future__ import annotations

import sys

import pytest

from service.nightly import nights
from service.nightly.course import STEPS
from service.nightly.tables import NightState, Reason
from service.registry.operations import find_lineage
from tests.distill.small import DISTILL_TOML
from tests.pretrain.tiny import RECIPE_TOML
from tests.service.nightly.plant import SMALL, Plant


@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_night_with_the_real_trainer(
    plant: Plant, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], processes: int
) -> None:
    """With two processes it is torchrun's, whose gradients meet by gloo where there is no GPU."""
    if not request.config.getoption("--full", False):
        pytest.skip("half a minute of training; see `make test-faults`")
    recipes = {"recipe": RECIPE_TOML, "student_recipe": DISTILL_TOML}
    for name, text in recipes.items():
        (plant.root / f"{name}.toml").write_text(text)
    training = {
        "python": [sys.executable],
        "processes": processes,
        "recipe": str(plant.root / "recipe.toml"),
        "student_recipe": str(plant.root / "student_recipe.toml"),
        # Short schedules out of a long budget: importing torch takes its time.
        "pretrain_share": 0.01,
        "distill_share": 0.01,
    }
    plant.add_parts(12, lot="L-4")
    workshop = plant.workshop({**SMALL, "training": training})
    night = plant.run(workshop, minutes=8)
    said = [path.read_text()[-2000:] for path in (plant.settings.data / "nights" / night.name).glob("*.log")]
    with plant.database.reading() as session:
        steps = [step.step for step in nights.find_steps(session, night.id)]
        lineage = find_lineage(session, str(night.challenger_id))
    assert steps[:7] == list(STEPS)[:7], (night.detail, said)
    # Whether so small a student is any good is not asked here; that the gate has judged it is.
    assert night.state is NightState.PROMOTED or night.reason in (Reason.GATE_FAILED, Reason.GATE_UNDECIDED)
    assert lineage is not None
    assert "recalibrated" in lineage.recipe
    assert lineage.image_count == night.figures["learned_count"]
    # Its pretraining has ended well, on as many processes as the plan says.
    assert ("--nproc-per-node=2" in "".join(capsys.readouterr())) is (processes == 2)
