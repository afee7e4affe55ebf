"""What one service process runs on; the operations of every feature are given it."""

from dataclasses import dataclass

from inspection.inspector import Inspector
from service.db.engine import Database
from service.images.image_store import ImageStore
from service.scoring_pool import ScoringPool


@dataclass(frozen=True, slots=True)
class Runtime:
    """A verified bundle behind its pool, and the two places where things are durable."""

    database: Database
    image_store: ImageStore
    scoring_pool: ScoringPool

    @property
    def inspector(self) -> Inspector:
        return self.scoring_pool.inspector
