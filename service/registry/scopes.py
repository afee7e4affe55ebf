"""Which stations share a champion. A promotion holds for the whole plant, or for one line that goes its own way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.callers import lies_within

Scope = str | None
"""A line's name; None is the plant."""
PLANT: Scope = None


@dataclass(frozen=True, slots=True)
class Scopes:
    """Lines with a champion of their own, and their stations: names, or beginnings that end in *."""

    stations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, station: str) -> Scope:
        """The first line that covers it, else the plant."""
        return next(
            (line for line, names in self.stations.items() if any(lies_within(station, name) for name in names)),
            PLANT,
        )

    @property
    def all(self) -> tuple[Scope, ...]:
        """The plant first."""
        return (PLANT, *self.stations)
