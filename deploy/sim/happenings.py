"""What happens to the plant, and when: days are counted from 1, and everything before is how it was set up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from deploy.demo.lots import TRAINING_LOTS, Lot

NEW_KIND = "stain"
OLD_KINDS = ("scratch", "dent", "undrilled", "wrong-part")


@dataclass(frozen=True)
class Course:
    """The days on which things happen, as shares of the whole time, so that a short run has them all."""

    day_count: int = 30

    def day(self, share: float) -> int:
        """Which day that is."""
        return max(round(share * self.day_count), 1)

    @property
    def lost_gpu(self) -> int:
        return self.day(0.2)

    @property
    def new_supplier(self) -> int:
        return self.day(0.37)

    @property
    def contaminated(self) -> int:
        return self.day(0.5)

    @property
    def new_kind(self) -> int:
        return self.day(0.63)

    @property
    def wrong_label(self) -> int:
        return self.day(0.77)

    def told(self, day: int) -> str:
        """What is new on a day, in a few words."""
        words = {
            self.lost_gpu: "GPU lost",
            self.new_supplier: "new supplier",
            self.contaminated: "contaminated day",
            self.new_kind: f"new defect: {NEW_KIND}",
            self.wrong_label: "wrong golden labels",
        }
        return words.get(day, "")

    def lots(self, day: int, rng: np.random.Generator) -> tuple[Lot, Lot]:
        """Morning and afternoon. The tool wears and the lamp ages all the time; suppliers change once."""
        age = max(day, 0) / self.day_count
        first, second = (self._lot(f"D{day:02d}{half}", age, rng) for half in "AB")
        if day >= self.new_supplier:
            second = replace(second, tint=(0.66, 0.60, 0.52), gloss=second.gloss * 1.15)
        return first, second

    def kinds(self, day: int) -> tuple[str, ...]:
        """Defects that come."""
        return (*OLD_KINDS, NEW_KIND) if day >= self.new_kind else OLD_KINDS

    def defect_rate(self, day: int) -> float:
        """Share of defective parts."""
        return 0.4 if day == self.contaminated else 0.125

    def _lot(self, name: str, age: float, rng: np.random.Generator) -> Lot:
        usual = TRAINING_LOTS[int(rng.integers(len(TRAINING_LOTS)))]
        return replace(
            usual,
            name=name,
            groove_px=usual.groove_px * (1 + 0.5 * age),
            groove_depth=usual.groove_depth * (1 + 0.7 * age),
            exposure=usual.exposure * (1 - 0.25 * age),
            lamp_degrees=usual.lamp_degrees,
        )


def part_kinds(count: int, rate: float, kinds: tuple[str, ...], rng: np.random.Generator) -> Iterator[str | None]:
    """Kind of defect of each part of a day; None is sound. The number of defective ones is exact."""
    defective = set(rng.permutation(count)[: round(count * rate)].tolist())
    turn = int(rng.integers(len(kinds)))
    for place in range(count):
        if place in defective:
            turn += 1
        yield kinds[turn % len(kinds)] if place in defective else None
