"""How the minutes a plant grants are spent."""

from dataclasses import dataclass

CURVE_SHARES = (0.1, 0.3, 1.0)
"""Parts of the unlabeled images at which the learning curve has its points."""
_PRETRAIN, _DISTILL, _CURVE = 0.4, 0.4, 0.2
"""Parts of the minutes. Reading, scoring and drawing come on top of them."""


@dataclass(frozen=True)
class Budget:
    """Minutes of training for each stage; the points of the learning curve share theirs evenly."""

    minutes: float

    @property
    def pretrain(self) -> float:
        return self.minutes * _PRETRAIN

    @property
    def distill(self) -> float:
        return self.minutes * _DISTILL

    @property
    def curve_point(self) -> float:
        return self.minutes * _CURVE / len(CURVE_SHARES)
