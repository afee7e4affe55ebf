"""Retention: pictures go by rule, verdicts stay, and nothing that somebody still needs is removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from inspection.errors import StorageError
from inspection.images.digest import sha256_of_bytes
from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.retention.operations import Removal, apply_policy
from service.retention.policy import Decided, RetentionPolicy, Rule
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, post, posted, runtime_of, store_of, stored_count

POLICY = RetentionPolicy(
    rules=(
        Rule(decided=Decided.CONFIRMED_DEFECT, keep_days=3650),
        Rule(verdict=Verdict.PASS, keep_days=30),
        Rule(decided=Decided.FALSE_ALARM, keep_days=60),
    )
)


def grow_old(client: TestClient, inspection_id: int, days: float) -> None:
    """As if it had come that long ago, and its files with it."""
    database = runtime_of(client).database
    then = datetime.now(UTC) - timedelta(days=days)
    with database.writing() as session:
        session.execute(update(StoredInspection).where(StoredInspection.id == inspection_id).values(received_at=then))
    store = store_of(client)
    with database.reading() as session:
        row = session.get_one(StoredInspection, inspection_id)
    for name in (row.image_sha256, row.heat_map_sha256):
        if name is not None:
            os.utime(store.path_of(name), (then.timestamp(), then.timestamp()))


def run(client: TestClient, *, is_dry_run: bool = False) -> Removal:
    runtime = runtime_of(client)
    return apply_policy(runtime.database, runtime.image_store, POLICY, is_dry_run=is_dry_run, author="test")


def decide(client: TestClient, body: dict[str, Any], decision: str) -> None:
    assert client.post(f"{INSPECTIONS}/{body['id']}/dispositions", json={"decision": decision}).status_code == 201


@pytest.fixture
def aged(station: TestClient) -> dict[str, dict[str, Any]]:
    """Inspections by name, most of them old, and one of today."""
    bodies = {
        "old pass": posted(station, "a1"),
        "young pass": posted(station, "a22"),
        "old fail": posted(station, "a333", spot=0.9),
        "old false alarm": posted(station, "a4444", spot=0.9),
        "old defect": posted(station, "a55555", spot=0.9),
    }
    decide(station, bodies["old false alarm"], "false_alarm")
    decide(station, bodies["old defect"], "confirmed_defect")
    for name, body in bodies.items():
        grow_old(station, body["id"], 5 if name == "young pass" else 100)
    posted(station, "today")
    return bodies


def with_pictures(client: TestClient, bodies: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, body in bodies.items() if client.get(body["links"]["image"]).status_code == 200}


def test_pictures_go_by_age_verdict_and_decision(station: TestClient, aged: dict[str, dict[str, Any]]) -> None:
    removal = run(station)
    assert with_pictures(station, aged) == {"young pass", "old fail", "old defect"}
    assert sum(removal.inspections.values()) == 2
    assert removal.file_count >= 2
    assert removal.byte_count > 0
    assert list(Path(store_of(station).incoming).iterdir()) == []


def test_verdicts_and_decisions_stay(station: TestClient, aged: dict[str, dict[str, Any]]) -> None:
    run(station)
    body = aged["old false alarm"]
    kept = station.get(body["links"]["self"]).json()
    assert (kept["verdict"], kept["local_score"], kept["regions"]) == (
        body["verdict"],
        body["local_score"],
        body["regions"],
    )
    assert len(station.get(f"{body['links']['self']}/dispositions").json()["items"]) == 1
    assert "were removed" in station.get(body["links"]["image"]).json()["detail"]
    assert "its time was over" in station.get(body["links"]["review"]).text
    assert stored_count(station) == len(aged) + 1


def test_a_dry_run_says_the_same_and_removes_nothing(station: TestClient, aged: dict[str, dict[str, Any]]) -> None:
    before = with_pictures(station, aged)
    told = run(station, is_dry_run=True)
    assert with_pictures(station, aged) == before == set(aged)
    assert told.inspections == run(station).inspections


def test_a_second_run_finds_nothing_to_do(station: TestClient, aged: dict[str, dict[str, Any]]) -> None:
    run(station)
    assert sum(run(station).inspections.values()) == 0


def test_a_picture_that_another_inspection_shows_is_kept(station: TestClient) -> None:
    image = part_png(7)
    first, second = post(station, 1, image).json(), post(station, 2, image).json()
    grow_old(station, first["id"], 100)
    assert sum(run(station).inspections.values()) == 1
    assert station.get(second["links"]["image"]).content == image


def test_a_picture_that_was_just_put_again_is_kept(station: TestClient) -> None:
    image = part_png(7)
    body = post(station, 1, image).json()
    grow_old(station, body["id"], 100)
    posted(station, 2)
    # Somebody's image is in the store, and its verdict is not on record yet.
    runtime_of(station).image_store.put(image)
    run(station)
    assert store_of(station).path_of(sha256_of_bytes(image)).is_file()


def test_while_the_line_stands_nothing_grows_old(station: TestClient) -> None:
    body = posted(station, 1)
    grow_old(station, body["id"], 100)
    assert sum(run(station).inspections.values()) == 0
    assert station.get(body["links"]["image"]).status_code == 200


def test_a_run_that_was_cut_off_is_finished_by_the_next(
    station: TestClient, aged: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise StorageError("cut off", "run it again")

    with monkeypatch.context() as patch:
        patch.setattr("service.images.local_store.LocalImageStore.remove", fail)
        with pytest.raises(StorageError):
            run(station)
    files = len(list(store_of(station).directory.rglob("*")))
    assert run(station).file_count > 0
    assert len(list(store_of(station).directory.rglob("*"))) < files


def test_the_command(station: TestClient, aged: dict[str, dict[str, Any]], tmp_path: Path, database_url: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nverdict = "PASS"\nkeep_days = 30\n')
    command = [sys.executable, "-m", "service", "retention", str(policy), "--dry-run"]
    place = ["--data", str(tmp_path / "data"), "--database-url", database_url]
    done = subprocess.run([*command, *place], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["inspections"], figures["dry_run"]) == (1, True)
    assert with_pictures(station, aged) == set(aged)


@pytest.mark.parametrize("rules", ["", "[[rules]]\nverdict = 'MAYBE'\nkeep_days = 3\n", "[[rules]]\nkeep_days = 0\n"])
def test_a_wrong_policy_is_refused(tmp_path: Path, rules: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(rules)
    command = [sys.executable, "-m", "service", "retention", str(policy), "--data", str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "policy.toml: " in refused.stderr
