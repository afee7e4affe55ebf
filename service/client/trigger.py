"""Which part stood before which camera, and when, as a client says it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Trigger:
    """`station` and `trigger_id` together name the inspection; both stay the same however often it is sent.

    Without a trigger id of the camera's own, a random one is made here, once. Raises ValueError where `captured_at`
    has no time zone: nobody could tell later which hour it was.
    """

    station: str
    part_id: str
    trigger_id: str = field(default_factory=lambda: uuid4().hex)
    lot: str | None = None
    captured_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.captured_at is not None and self.captured_at.tzinfo is None:
            raise ValueError(f"captured_at: {self.captured_at} has no time zone")

    def fields(self) -> dict[str, str]:
        """As the service reads them; what is not known is left out."""
        known = {"station": self.station, "part_id": self.part_id, "trigger_id": self.trigger_id}
        if self.lot is not None:
            known["lot"] = self.lot
        if self.captured_at is not None:
            known["captured_at"] = self.captured_at.astimezone(UTC).isoformat()
        return known
