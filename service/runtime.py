"""What one service process runs on; the operations of every feature are given it."""

from dataclasses import dataclass

from inspection.inspector import Inspector
from service.alarms import Alarms
from service.bundle_shelf import BundleShelf
from service.challenge.gate import ChallengeGate
from service.db.engine import Database
from service.disk import Disk
from service.factory.plan import FactoryPlan
from service.images.image_store import ImageStore
from service.images.storer import Storer
from service.in_force import InForce
from service.intake.recorder import Recorder
from service.metrics import Metrics
from service.nightly.plan import NightPlan
from service.scoring.pool import ScoringPool
from service.shadow.scorer import ShadowScorer
from service.shifts import Shifts


@dataclass(frozen=True, slots=True)
class Runtime:
    """What stations run, the pool that judges, the places where things are durable, and what is told of it all."""

    database: Database
    image_store: ImageStore
    storer: Storer
    scoring_pool: ScoringPool
    recorder: Recorder
    shelf: BundleShelf
    in_force: InForce
    disk: Disk
    alarms: Alarms
    metrics: Metrics
    shifts: Shifts
    challenge: ChallengeGate
    shadow: ShadowScorer
    drift_rate: float
    """False alarms of drift a station and month."""
    nights: NightPlan
    factory: FactoryPlan | None
    """Whom the plant wants told of verdicts; None keeps no outbox."""

    @property
    def inspector(self) -> Inspector:
        """The champion."""
        return self.in_force.champion
