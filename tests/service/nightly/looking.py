"""Looking at a night once it is over."""

from __future__ import annotations

from service.nightly.tables import Night, NightState, Reason
from service.registry.operations import find_champion_id
from tests.service.nightly.plant import Plant


def champion_of(plant: Plant) -> str | None:
    with plant.database.reading() as session:
        return find_champion_id(session)


def diary(plant: Plant) -> list[str]:
    path = plant.root / "diary.txt"
    return path.read_text().splitlines() if path.exists() else []


def kept_because(night: Night) -> Reason | None:
    assert night.state is NightState.KEPT
    assert night.ended_at is not None
    assert night.detail
    return night.reason
