"""A plant for the tests of nights: a record of judged parts, a champion, and a trainer that makes nothing itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from inspection.bundle.reader import open_bundle
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.inspector import Inspector
from service.db.engine import Database
from service.db.first_sight import id_on_first_sight
from service.db.tables import Lot, Part, Station, StoredInspection
from service.images.local_store import LocalImageStore
from service.nightly import golden, nights
from service.nightly.course import conclude, go_through, take_step
from service.nightly.plan import NightPlan
from service.nightly.tables import Night
from service.nightly.workshop import Workshop
from service.registry.operations import promote, shelve
from service.settings import ServiceSettings, read_settings
from service.storage import prepare_storage
from tests.bundles import make_bundle, part_png

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")
STATION = "press-3"
SMALL = {
    "snapshot": {"least_new": 20},
    # The fake students take microseconds: how long one took says nothing.
    "gate": {
        "escape_margin": 0.3,
        "anchor_margin": 0.3,
        "overkill_budget": 0.3,
        "flagged_budget": 0.3,
        "latency_ratio": 1000,
    },
    "promotion": {"mode": "automatic"},
    # Eight trainings more for each night of the tests that are about something else.
    "healing": {"minutes": 0},
}
_STRICTER = Thresholds(
    local_score=Limits(pass_limit=0.11, fail_limit=0.24), global_score=Limits(pass_limit=0.06, fail_limit=0.12)
)
_BLIND = Thresholds(
    local_score=Limits(pass_limit=0.9, fail_limit=0.95), global_score=Limits(pass_limit=0.8, fail_limit=0.9)
)


@dataclass
class Plant:
    """Everything a night needs, in one folder."""

    settings: ServiceSettings
    database: Database
    store: LocalImageStore
    champion: Inspector
    root: Path
    count: int = 0

    def workshop(self, *lines: dict[str, Any], python: Sequence[str] | None = None) -> Workshop:
        """With a line for each of `lines`, changed from the small one; the trainer is the fake."""
        trainer = {"python": list(python or (sys.executable, str(FAKE_TRAINER)))}
        plan = NightPlan.model_validate({"lines": [{"training": trainer, **SMALL, **line} for line in lines or ({},)]})
        return Workshop(self.settings, plan, self.database, self.store)

    def add_parts(self, count: int, *, lot: str = "L-1", spot: float = 0.0, station: str = STATION) -> list[int]:
        """Parts as the champion judges them; returns their inspections."""
        now, ids = datetime.now(UTC), []
        data = [part_png(self.count + number, spot=spot) for number in range(count)]
        images = [self.store.put(one) for one in data]
        answers = [self.champion.inspect(one) for one in data]
        with self.database.writing() as session:
            for image, answer in zip(images, answers, strict=True):
                self.count += 1
                row = self._row(session, image, answer, lot, station, now + timedelta(milliseconds=self.count))
                session.add(row)
                session.flush()
                ids.append(row.id)
        return ids

    def _row(
        self, session: Session, image: str, answer: Any, lot: str, station: str, now: datetime
    ) -> StoredInspection:
        limits = self.champion.thresholds
        return StoredInspection(
            station_id=id_on_first_sight(session, Station, station, now),
            part_id=id_on_first_sight(session, Part, f"part-{self.count}", now),
            lot_id=id_on_first_sight(session, Lot, lot, now),
            trigger_id=str(self.count),
            image_number=1,
            received_at=now,
            arrived_late=False,
            arrived_out_of_order=False,
            verdict=answer.verdict,
            reason=answer.reason.value,
            detail=answer.detail,
            local_score=answer.local_score,
            global_score=answer.global_score,
            part_score=answer.part_score,
            local_pass_limit=limits.local_score.pass_limit,
            regions=[],
            bundle_id=answer.bundle_id,
            profile_version=0,
            image_sha256=image,
            timings_ms={},
        )

    def add_golden(self, *, good: int = 12, defective: int = 12) -> None:
        """Enough for the small gate."""
        for number in self.add_parts(good, lot="golden"):
            golden.set_truth(self.database, number, defect=None, author="test")
        for number in self.add_parts(defective, lot="golden", spot=0.9):
            golden.set_truth(self.database, number, defect="dent", author="test")

    def run(self, workshop: Workshop, *, line: str | None = None, minutes: float | None = None) -> Night:
        """A night, from the wish to its end, without the workflow around it."""
        night, _ = nights.ask(self.database, workshop.plan.line(line), minutes=minutes, author="test")
        found = go_through(lambda step, so_far: take_step(workshop, night.name, step, so_far))
        conclude(workshop, night.name, found)
        with self.database.reading() as session:
            return nights.find_night(session, night.name)


def build_plant(root: Path, database_url: str | None = None) -> Plant:
    """With a champion, and beside it the bundles that the fake trainer hands out: a fair one, and a blind one."""
    settings = read_settings(data=root / "data", disk_reserve_mb=0, database_url=database_url)
    prepare_storage(settings)
    make_bundle(root / "champion")
    make_bundle(root / "fair", thresholds=_STRICTER)
    make_bundle(root / "blind", thresholds=_BLIND, golden_pngs=(part_png(1), part_png(2)))
    (root / "flawed.png").write_bytes(part_png(7, spot=0.9))
    plant = open_plant(root, database_url=database_url)
    promote(plant.database, shelve(root / "champion", settings.bundle_directory), author="test")
    return plant


def open_plant(root: Path, count: int = 0, database_url: str | None = None) -> Plant:
    """One that stands there, of `count` parts."""
    settings = read_settings(data=root / "data", disk_reserve_mb=0, database_url=database_url)
    database = Database(settings.resolved_database_url)
    champion = open_bundle(root / "champion", threads=1)
    return Plant(settings, database, LocalImageStore(settings.image_directory), champion, root, count)
