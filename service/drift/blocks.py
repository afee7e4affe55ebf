"""From a station's parts to blocks, and from blocks to evidence."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from service.drift.evidence import MONTH_S, Evidence
from service.drift.tables import DriftKind
from service.drift.view_fails import ViewFails

BLOCK_PARTS = 20
_LEAST_PARTS = 10
# A value's logarithm counts: scores that double have moved as far as scores that halve.
_FLOOR = 1e-6
# Of the rate that is promised: half for medians of the global score, and a tenth for parts in a row that fail by it.
_SHARES = {DriftKind.GLOBAL: 0.5, DriftKind.LOCAL: 0.4}
_VIEW_SHARE = 0.1


class ScoredPart(NamedTuple):
    """What drift looks at."""

    inspection_id: int
    at: datetime
    lot: str | None
    local_score: float
    global_score: float
    is_beyond: bool = False
    """Its global score lies beyond the fail limit."""


@dataclass(frozen=True, slots=True)
class Block:
    """Parts of one lot in the order they came."""

    first_id: int
    last_id: int
    ended_at: datetime
    lot: str
    local_median: float
    global_median: float


@dataclass(slots=True)
class StationState:
    """All that is kept of a station. `rate` false alarms a month are promised, half for each of the two scores."""

    global_evidence: Evidence = field(default_factory=Evidence)
    local_evidence: Evidence = field(default_factory=Evidence)
    view_fails: ViewFails = field(default_factory=ViewFails)
    open_parts: list[tuple[int, float, float]] = field(default_factory=list)
    """(inspection id, local score, global score) of the block that is not full yet."""
    open_lot: str | None = None
    looked_at: str | None = None
    """When the last block ended, in ISO 8601."""

    def take(self, parts: Iterable[ScoredPart], *, rate: float) -> Iterable[tuple[Block, list[DriftKind]]]:
        """Every block that is full, with the alarms it reaches. Parts without a lot belong to their day.

        A block ends early with the part at which too many have failed by the view.
        """
        for part in parts:
            lot = part.lot or f"{part.at:%Y-%m-%d}"
            if lot != self.open_lot:
                # Too few parts tell too little: the end of a lot is left out.
                if len(self.open_parts) >= _LEAST_PARTS:
                    yield self._close(part.at, rate)
                self.open_parts, self.open_lot = [], lot
            self.open_parts.append((part.inspection_id, part.local_score, part.global_score))
            has_failed = self.view_fails.add(
                is_beyond=part.is_beyond, inspection_id=part.inspection_id, at=part.at, rate=rate * _VIEW_SHARE
            )
            if has_failed or len(self.open_parts) == BLOCK_PARTS:
                yield self._close(part.at, rate)

    def evidence(self, kind: DriftKind) -> Evidence:
        return self.global_evidence if kind is DriftKind.GLOBAL else self.local_evidence

    def since_id(self, kind: DriftKind) -> int | None:
        """The first part that is counted as moved."""
        if kind is DriftKind.GLOBAL and self.view_fails.level >= 1.0:
            return self.view_fails.since_id
        return self.evidence(kind).since_id

    def to_json(self) -> dict[str, Any]:
        """As the database keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """As it was kept."""
        evidence = {name: Evidence.from_json(stored[name]) for name in ("global_evidence", "local_evidence")}
        # What was kept by an earlier version has no count of such parts yet.
        view_fails = ViewFails(**stored.get("view_fails", {}))
        open_parts = [tuple(part) for part in stored["open_parts"]]
        return cls(**{**stored, **evidence, "view_fails": view_fails, "open_parts": open_parts})

    def _close(self, at: datetime, rate: float) -> tuple[Block, list[DriftKind]]:
        ids, local_scores, global_scores = zip(*self.open_parts, strict=True)
        assert self.open_lot is not None
        block = Block(
            first_id=ids[0],
            last_id=ids[-1],
            ended_at=at,
            lot=self.open_lot,
            local_median=statistics.median(local_scores),
            global_median=statistics.median(global_scores),
        )
        self.open_parts = []
        before = at if self.looked_at is None else datetime.fromisoformat(self.looked_at)
        self.looked_at = at.isoformat()
        month_share = max((at - before).total_seconds(), 0.0) / MONTH_S
        reached = {
            kind
            for kind, median in ((DriftKind.GLOBAL, block.global_median), (DriftKind.LOCAL, block.local_median))
            if self.evidence(kind).add(
                math.log(max(median, _FLOOR)),
                lot=block.lot,
                first_id=block.first_id,
                budget=rate * _SHARES[kind] * month_share,
            )
        }
        if self.view_fails.level >= 1.0:
            reached.add(DriftKind.GLOBAL)
        return block, sorted(reached)
