"""Whole nights with a trainer that makes nothing itself: what they do, and each way in which the champion is kept."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from service.audit.operations import find_page
from service.db.tables import StoredInspection
from service.nightly import golden, kept_out, nights
from service.nightly.course import STEPS
from service.nightly.tables import Night, NightState, Reason
from service.registry.operations import find_lineage
from service.retention.operations import apply_policy
from service.retention.policy import RetentionPolicy, Rule
from tests.service.nightly.looking import champion_of, diary, kept_because
from tests.service.nightly.plant import Plant, build_plant


def selection_of(plant: Plant, night: Night) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((plant.settings.data / "nights" / night.name / "selection.json").read_text())
    return found


def test_a_night_promotes_a_challenger_that_is_no_worse(plant: Plant) -> None:
    before = champion_of(plant)
    night = plant.run(plant.workshop())
    assert night.state is NightState.PROMOTED, night.detail
    assert champion_of(plant) == night.challenger_id != before
    with plant.database.reading() as session:
        assert [step.step for step in nights.find_steps(session, night.id)] == list(STEPS)
        lineage = find_lineage(session, str(night.challenger_id))
    assert lineage is not None
    assert lineage.parent_id == before
    assert lineage.image_count == 20
    assert lineage.gate is not None
    assert night.figures["escapes_count"] == 12
    assert night.figures["challenger_auroc"] == 1.0
    assert [record.subject for record in find_page(plant.database, below=None, limit=2)] == [
        f"night {night.name}",
        night.challenger_id,
    ]


def test_limits_come_from_other_lots_than_training(plant: Plant) -> None:
    night = plant.run(plant.workshop())
    selection = selection_of(plant, night)
    assert len(selection["learned"]) == 20
    assert len(selection["calibrating"]) == 10
    assert not set(selection["learned"]) & set(selection["calibrating"])
    assert any(line.startswith("distill recalibrate") for line in diary(plant))
    assert plant.root.joinpath("data", "nights", night.name, "pictures").exists() is False


def test_one_lot_alone_is_calibrated_by_what_the_run_held_out(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    plant = build_plant(tmp_path)
    plant.add_golden()
    plant.add_parts(30)
    night = plant.run(plant.workshop())
    assert night.state is NightState.PROMOTED
    assert not any(line.startswith("distill recalibrate") for line in diary(plant))


def test_the_next_night_goes_on_from_the_champions_teacher_and_replays(plant: Plant) -> None:
    first = plant.run(plant.workshop())
    plant.add_parts(24, lot="L-3")
    plant.add_parts(12, lot="L-4")
    second = plant.run(plant.workshop())
    start = plant.settings.data.resolve() / "nights" / first.name / "teacher" / "encoder.safetensors"
    assert f"--init {start}" in [line for line in diary(plant) if line.startswith("pretrain")][1]
    assert second.name == f"{first.name}-2"
    learned = set(selection_of(plant, second)["learned"])
    assert learned & set(selection_of(plant, first)["learned"])
    assert second.figures["new_count"] == 36


def test_golden_parts_and_what_is_kept_out_are_never_learned_from(plant: Plant) -> None:
    out = plant.add_parts(4, lot="L-1")
    kept_out.change(plant.database, out[:2], is_kept_out=True, why="oil on the lens", author="Aiko Tanaka")
    golden.set_truth(plant.database, out[2], defect=None, author="Aiko Tanaka")
    selection = selection_of(plant, plant.run(plant.workshop()))
    why = {number: reason for number, _, reason in selection["left_out"]}
    assert [why.get(number) for number in out] == ["kept_out", "kept_out", "golden", None]
    assert list(why.values()).count("golden") == 25


def test_too_few_new_pictures_train_nothing(plant: Plant) -> None:
    plant.run(plant.workshop())
    before = champion_of(plant)
    plant.add_parts(5)
    night = plant.run(plant.workshop())
    assert kept_because(night) is Reason.NO_NEW_IMAGES
    assert night.detail == "5 new pictures, 20 are needed"
    assert champion_of(plant) == before
    assert sum(line.startswith("pretrain") for line in diary(plant)) == 1


@pytest.mark.parametrize(
    ("way", "reason", "words"),
    [
        ("pretrain=lost", Reason.TRAINER_LOST, "signal 9"),
        ("build=lost", Reason.TRAINER_LOST, "signal 9"),
        ("pretrain=full", Reason.DISK_FULL, "No space left on device"),
        ("pretrain=refuse", Reason.TRAINER_REFUSED, "fit no resnet18"),
        ("recalibrate=refuse", Reason.TRAINER_REFUSED, "fit no resnet18"),
        ("verify=failing", Reason.GATE_FAILED, "parity: promise"),
    ],
)
def test_a_trainer_that_fails_keeps_the_champion(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, way: str, reason: Reason, words: str
) -> None:
    monkeypatch.setenv("FAKE_WAY", way)
    before = champion_of(plant)
    night = plant.run(plant.workshop())
    assert kept_because(night) is reason
    assert words in night.detail
    assert champion_of(plant) == before


def test_a_trainer_that_is_not_there_keeps_the_champion(plant: Plant) -> None:
    night = plant.run(plant.workshop(python=["/nowhere/python"]))
    assert kept_because(night) is Reason.TRAINER_LOST
    assert "/nowhere/python" in night.detail


def test_a_spent_budget_ends_the_trainer(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_WAY", "pretrain=wait")
    monkeypatch.setattr("service.nightly.steps.pretrain._LEAST_MINUTES", 0.001)
    night = plant.run(plant.workshop(), minutes=0.02)
    assert kept_because(night) is Reason.BUDGET_SPENT
    assert not list((plant.settings.data / "nights" / night.name).glob("*.pid"))


def test_a_full_disk_is_seen_before_it_is_full(plant: Plant) -> None:
    reserve = shutil.disk_usage(plant.root).free // 2**20 + 1000
    workshop = plant.workshop()
    scarce = type(workshop)(
        plant.settings.model_copy(update={"disk_reserve_mb": reserve}), workshop.plan, plant.database, plant.store
    )
    night = plant.run(scarce)
    assert kept_because(night) is Reason.DISK_FULL
    assert diary(plant) == []


def test_what_was_frozen_is_not_to_be_changed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def tamper(bench: Any, found: Any) -> Any:
        bench.folder.snapshot_file.chmod(0o644)
        bench.folder.snapshot_file.write_text(bench.folder.snapshot_file.read_text().replace('"new"', '"older"'))
        return screen(bench, found)

    screen = STEPS["screen"]
    monkeypatch.setitem(STEPS, "screen", tamper)
    night = plant.run(plant.workshop())
    assert kept_because(night) is Reason.STORE_FAILING
    assert "was changed after it was frozen" in night.detail


def test_a_plant_without_a_champion_trains_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.nightly.steps.freeze.find_champion_id", lambda session, scope: None)
    assert kept_because(plant.run(plant.workshop())) is Reason.NO_CHAMPION


def test_a_second_wish_joins_the_first(plant: Plant) -> None:
    line = plant.workshop().plan.line(None)
    first, is_new = nights.ask(plant.database, line, minutes=None, author="one")
    second, is_new_too = nights.ask(plant.database, line, minutes=5, author="another")
    assert (is_new, is_new_too) == (True, False)
    assert first.name == second.name


def test_golden_pictures_outlive_their_verdicts_time(plant: Plant) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=90)
    with plant.database.writing() as session:
        session.execute(update(StoredInspection).where(StoredInspection.id <= 30).values(received_at=long_ago))
        rows = list(session.scalars(select(StoredInspection).where(StoredInspection.id.in_((1, 28)))))
    policy = RetentionPolicy(rules=(Rule(keep_days=30),))
    old = time.time() - 90 * 86400
    for row in rows:
        os.utime(plant.store.path_of(str(row.image_sha256)), (old, old))
    apply_policy(plant.database, plant.store, policy, is_dry_run=False, author="test")
    sizes = [plant.store.size_of(str(row.image_sha256)) for row in rows]
    # The first is golden, the other is not.
    assert sizes[0] > 0
    assert sizes[1] == 0
