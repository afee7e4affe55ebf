"""What the plant knows and we do not: its costs, its volumes and what it must reach. A TOML file, or these values."""

from typing import Annotated

from pydantic import Field

from inspection.config import Settings

Rate = Annotated[float, Field(gt=0, lt=1)]
Amount = Annotated[float, Field(ge=0)]


class Goals(Settings):
    """What makes it a go."""

    escape_rate: Rate = 0.10
    """Of defective parts, at the overkill below: the upper end of its interval must reach it."""
    flagged_rate: Rate = 0.10
    """Of good parts held or failed: what the thresholds must promise, both scores together."""


class Plant(Settings):
    """Volumes and costs of one shift, in any one currency. All can be edited on the page."""

    parts_per_shift: Annotated[int, Field(ge=1)] = 5000
    defect_rate: Rate = 0.005
    escape_cost: Amount = 50.0
    """Of one defective part that leaves the plant."""
    overkill_cost: Amount = 2.0
    """Of one good part thrown away or reworked."""
    review_s: Amount = 10.0
    """A person's time for one held part."""
    wage_per_hour: Amount = 30.0
    currency: str = "EUR"
    goals: Goals = Goals()


class VerdictRates(Settings):
    """Shares of good and of defective parts by verdict, counted on labeled parts."""

    good_failed: float
    good_held: float
    defective_passed: float
    defective_held: float


def cost_per_shift(plant: Plant, rates: VerdictRates) -> dict[str, float]:
    """What a shift costs with these rates; with every part shipped unseen; and with every part looked at by a person.

    People are taken to miss nothing, which flatters them. The page computes the same from what is typed into it.
    """
    defective = plant.parts_per_shift * plant.defect_rate
    good = plant.parts_per_shift - defective
    look = plant.review_s / 3600 * plant.wage_per_hour
    parts = {
        "escapes": defective * rates.defective_passed * plant.escape_cost,
        "overkill": good * rates.good_failed * plant.overkill_cost,
        "review": (good * rates.good_held + defective * rates.defective_held) * look,
    }
    return {
        **parts,
        "inspected": sum(parts.values()),
        "unseen": defective * plant.escape_cost,
        "by_eye": plant.parts_per_shift * look,
    }
