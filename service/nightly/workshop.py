"""What every step of a night works with."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from service.db.engine import Database
from service.images.image_store import ImageStore
from service.nightly.endings import NightEnded
from service.nightly.folder import NightFolder
from service.nightly.plan import LinePlan, NightPlan
from service.nightly.tables import Night, Reason
from service.nightly.trainer import Trainer
from service.settings import ServiceSettings


@dataclass(frozen=True)
class Workshop:
    """The record, the pictures, and the plan."""

    settings: ServiceSettings
    plan: NightPlan
    database: Database
    image_store: ImageStore

    @property
    def nights_folder(self) -> Path:
        return self.settings.data / "nights"

    def bench_of(self, night: Night) -> "Bench":
        """What one night works with."""
        return Bench(self, night, self.plan.line(night.line), NightFolder(self.nights_folder / night.name))


@dataclass(frozen=True)
class Bench:
    """One night's place in the workshop."""

    workshop: Workshop
    night: Night
    line: LinePlan
    folder: NightFolder

    @property
    def deadline(self) -> float:
        """When the budget is spent, in seconds since the epoch."""
        began_at = self.night.began_at or self.night.asked_at
        return (began_at + timedelta(minutes=self.night.minutes)).timestamp()

    @property
    def trainer(self) -> Trainer:
        return Trainer(self.line.training, self.folder.root)

    def check_disk(self) -> None:
        """Raises NightEnded while there is still room to say so: the record comes before any training."""
        self.workshop.settings.data.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.workshop.settings.data).free
        reserve = self.workshop.settings.disk_reserve_mb * 2**20
        if free < reserve:
            raise NightEnded(
                Reason.DISK_FULL, f"{free // 2**20} MB are free, {reserve // 2**20} MB are kept for the record"
            )
