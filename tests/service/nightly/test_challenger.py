"""What becomes of a challenger: gate, drawn flaws, healing, shadow, and the last word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.nightly import nights
from service.nightly.course import STEPS
from service.nightly.plan import HealingPlan
from service.nightly.shadow_end import settle_shadows
from service.nightly.tables import Night, NightState, Reason
from service.registry.operations import find_lineage, promote
from service.shadow import operations as shadow
from tests.service.nightly.looking import champion_of, diary, kept_because
from tests.service.nightly.plant import Plant


def synthetic_check(plant: Plant, night: Night) -> dict[str, Any]:
    with plant.database.reading() as session:
        lineage = find_lineage(session, str(night.challenger_id))
    assert lineage is not None
    assert lineage.gate is not None
    found: dict[str, Any] = next(check for check in lineage.gate["checks"] if check["question"] == "synthetic")
    return found


def test_drawn_flaws_stand_beside_real_defects_and_are_drawn_once(plant: Plant) -> None:
    night = plant.run(plant.workshop())
    assert synthetic_check(plant, night)["figures"] == {
        "count": 12,
        "champion": 0,
        "challenger": 0,
        "lost": 0,
        "gained": 0,
        "rise_p_value": 1.0,
    }
    plant.add_parts(30, lot="L-3")
    plant.run(plant.workshop())
    assert sum(line.startswith("distill flaw") for line in diary(plant)) == 1


def test_without_drawn_flaws_the_gate_still_judges(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_WAY", "flaw=refuse")
    night = plant.run(plant.workshop())
    assert night.state is NightState.PROMOTED
    assert synthetic_check(plant, night)["answer"] == "not_asked"


def healing_of(plant: Plant, night: Night) -> dict[str, Any]:
    with plant.database.reading() as session:
        [figures] = [step.figures for step in nights.find_steps(session, night.id) if step.step == "heal"]
    return figures


def test_healing_tells_what_defects_among_the_pictures_would_cost(plant: Plant) -> None:
    workshop = plant.workshop({"healing": {"minutes": 1, "shares": [0.05, 0.2]}})
    night = plant.run(workshop)
    healing = healing_of(plant, night)
    assert healing["trouble"] is None
    # Nobody has confirmed a defect outside the golden set: drawn ones are mixed in.
    assert healing["are_real"] is False
    rows = [(row["share"], row["injected_count"], row["count"]) for row in healing["rows"]]
    assert rows == [(0.05, 1, 12), (0.2, 5, 12)]
    # The night's own training, a clean copy, and one for each share.
    assert [row["images"] for row in trained(plant)] == [20, 20, 21, 25]
    assert not (plant.settings.data / "nights" / night.name / "healing").exists()
    assert night.state is NightState.PROMOTED


def test_healing_that_fails_ends_no_night(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_WAY", "flaw=refuse")
    night = plant.run(plant.workshop({"healing": {"minutes": 1}}))
    assert night.state is NightState.PROMOTED
    assert healing_of(plant, night)["trouble"] == "there is no known defect, and none was drawn"


@pytest.mark.parametrize(("night_minutes", "minutes"), [(120, 12), (40, 4), (39, 0), (2, 0)])
def test_a_night_spends_a_tenth_more_on_healing_where_that_is_enough(night_minutes: int, minutes: int) -> None:
    assert HealingPlan().minutes_of(night_minutes) == minutes
    assert HealingPlan(minutes=0).minutes_of(night_minutes) == 0
    assert HealingPlan(minutes=2).minutes_of(night_minutes) == 2


def trained(plant: Plant) -> list[dict[str, Any]]:
    """What the fake trainer answered to each pretraining."""
    return [json.loads(line) for line in (plant.root / "answers.txt").read_text().splitlines() if "images" in line]


def shadowed_night(plant: Plant, *, flips: int, mode: str = "automatic") -> Night:
    """A night whose challenger has scored 100 live parts beside the champion."""
    workshop = plant.workshop({"promotion": {"mode": mode, "shadow_parts": 100, "most_flips": 0.02}})
    night = plant.run(workshop)
    assert night.state is NightState.SHADOW
    [trial] = shadow.find_open(plant.database)
    assert trial.bundle_id == night.challenger_id
    for parts, progress in ((60, shadow.Progress(60, 0)), (100, shadow.Progress(100, flips))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shadow, "get_progress", lambda *_, progress=progress: progress)
            settle_shadows(workshop)
        with plant.database.reading() as session:
            night = nights.find_night(session, night.name)
        assert (night.state is NightState.SHADOW) == (parts < 100)
    assert shadow.find_open(plant.database) == []
    return night


def test_a_shadow_with_few_flips_is_promoted_by_the_policy(plant: Plant) -> None:
    night = shadowed_night(plant, flips=2)
    assert night.state is NightState.PROMOTED
    assert champion_of(plant) == night.challenger_id
    assert night.figures["shadow_parts"] == 100


@pytest.mark.parametrize(("flips", "mode"), [(3, "automatic"), (0, "approval")])
def test_a_person_decides_after_many_flips_or_where_the_policy_says_so(plant: Plant, flips: int, mode: str) -> None:
    before = champion_of(plant)
    assert shadowed_night(plant, flips=flips, mode=mode).state is NightState.AWAITING
    assert champion_of(plant) == before


def test_a_challenger_that_has_gone_blind_is_not_promoted(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_STUDENT", "blind")
    before = champion_of(plant)
    night = plant.run(plant.workshop())
    assert kept_because(night) is Reason.GATE_FAILED
    assert "escapes: 12 of 12, 0 with the champion" in night.detail
    folder = plant.settings.data / "nights" / night.name
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["challenger"]
    assert champion_of(plant) == before
    with plant.database.reading() as session:
        lineage = find_lineage(session, str(night.challenger_id))
    assert lineage is not None
    assert lineage.gate is not None


def test_too_few_golden_parts_keep_the_champion_and_say_how_many_are_missing(plant: Plant) -> None:
    night = plant.run(plant.workshop({"gate": {"overkill_budget": 0.3, "flagged_budget": 0.3}}))
    assert kept_because(night) is Reason.GATE_UNDECIDED
    assert "47 more reviewed parts would settle it" in night.detail


def test_an_engineers_word_is_waited_for_by_default(plant: Plant) -> None:
    before = champion_of(plant)
    night = plant.run(plant.workshop({"promotion": {"mode": "approval"}}))
    assert night.state is NightState.AWAITING
    assert champion_of(plant) == before


def test_a_champion_that_came_meanwhile_stays(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def promote_another(*given: Any) -> Any:
        promote(plant.database, "bundle-0123456789abcdef", author="Aiko Tanaka")
        return promoting(*given)

    promoting = STEPS["promote"]
    monkeypatch.setitem(STEPS, "promote", promote_another)
    night = plant.run(plant.workshop())
    assert kept_because(night) is Reason.OUTDATED
    assert champion_of(plant) == "bundle-0123456789abcdef"
