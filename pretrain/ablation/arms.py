"""The four arms: each adds one thing to the one before, and differs in nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inspection.config import validate
from pretrain.recipe import Recipe


@dataclass(frozen=True)
class Arm:
    """`method` is what the arm takes away from the scale's recipe, which is that of the last arm."""

    letter: str
    adds: str
    method: Mapping[str, object] = field(default_factory=dict)

    def recipe(self, whole: Recipe, seed: int, steps: int) -> Recipe:
        """The recipe of one run. Arms of one seed start from the same weights."""
        values = whole.model_dump()
        values |= {"name": f"{whole.name}-{self.letter}", "seed": seed}
        values["method"] |= self.method
        values["optimisation"]["steps"] = steps
        return validate(values, Recipe, source=f"arm ({self.letter})")


ARMS = (
    # Without the local term its network would be dead compute, and its patches would only stir the statistics.
    Arm("a", "NNCLR with a momentum network", {"networks": 2, "local_weight": 0.0, "dense_weight": 0.0}),
    Arm("b", "+ the local term, with its gradient", {"isolate_patch_statistics": False, "dense_weight": 0.0}),
    Arm("c", "+ patches kept out of BatchNorm's statistics", {"dense_weight": 0.0}),
    Arm("d", "+ our dense local term"),
)
