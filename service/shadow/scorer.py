"""The thread on which challengers score: of the lowest priority, on parts that were drawn, and only while it is quiet.

Nothing waits for it. A part that comes while too much is waiting, or while cameras keep the machine busy, is left out
and counted; a challenger that fails troubles its own trial and nothing else.
"""

import os
import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from inspection.errors import BundleError, StorageError
from inspection.inspector import Inspector
from service.bundle_shelf import BundleShelf
from service.callers import lies_within
from service.db.engine import Database
from service.images.image_store import ImageStore
from service.outcome import Outcome
from service.shadow import operations
from service.shadow.operations import Gain, LivePart, OpenTrial, Shadowed

log = structlog.get_logger("kensa.shadow")
_QUEUE_LIMIT = 32
_FLUSH_AT, _FLUSH_S = 16, 1.0
_QUIET_LOOKS, _QUIET_S = 10, 0.05


class ShadowScorer:
    """Start it, tell it to follow the record of trials, offer it parts, and close it at the end."""

    def __init__(
        self,
        database: Database,
        image_store: ImageStore,
        shelf: BundleShelf,
        *,
        busy_count: Callable[[], int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._image_store = image_store
        self._shelf = shelf
        self._busy_count = busy_count
        self._chance = chance
        self._trials: tuple[OpenTrial, ...] = ()
        self._challengers: dict[str, Inspector] = {}
        self._parts: queue.Queue[tuple[OpenTrial, LivePart] | None] = queue.Queue(_QUEUE_LIMIT)
        self._gains: dict[int, Gain] = {}
        self._flushed_at = time.monotonic()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to score."""
        self._thread.start()

    def close(self) -> None:
        """Leave what waits, and write down what was scored."""
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def follow(self) -> None:
        """Bring in what the record says: trials that were started or ended. Raises SQLAlchemyError."""
        trials = operations.find_open(self._database)
        for trial in trials:
            if trial.bundle_id not in self._challengers:
                self._load(trial)
        self._challengers = {
            trial.bundle_id: self._challengers[trial.bundle_id]
            for trial in trials
            if trial.bundle_id in self._challengers
        }
        self._trials = tuple(trial for trial in trials if trial.bundle_id in self._challengers)

    def offer(self, part: LivePart) -> None:
        """From the event loop, once a part is on record: costs nothing that a camera could notice."""
        for trial in self._trials:
            is_asked = trial.champion_id == part.bundle_id and any(
                lies_within(part.station, scope) for scope in trial.stations
            )
            if not is_asked or self._chance() >= trial.sample_rate:
                continue
            try:
                self._parts.put_nowait((trial, part))
            except queue.Full:
                self._gain(trial).dropped_count += 1

    def _load(self, trial: OpenTrial) -> None:
        trouble: str | None = None
        try:
            self._challengers[trial.bundle_id] = self._shelf.load(trial.bundle_id)
        except BundleError as error:
            trouble = str(error)
        if trouble != trial.trouble:
            operations.note_trouble(self._database, trial.id, trouble)

    def _run(self) -> None:
        # Where the system gives threads a priority of their own: the scheduler serves every other thread first.
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while not self._is_closing.is_set():
            with suppress(queue.Empty):
                waiting = self._parts.get(timeout=0.2)
                if waiting is not None:
                    self._score_whatever_comes(*waiting)
            self._flush_if_due()
        self._flush_if_due(at_once=True)

    def _score_whatever_comes(self, trial: OpenTrial, part: LivePart) -> None:
        challenger = self._challengers.get(trial.bundle_id)
        if challenger is None:
            return
        if not self._is_quiet():
            self._gain(trial).dropped_count += 1
            return
        began = time.thread_time()
        shadowed: Shadowed | None = None
        with Outcome() as outcome:
            shadowed = score(challenger, part, self._image_store)
        gain = self._gain(trial)
        gain.cpu_s += time.thread_time() - began
        if shadowed is not None:
            gain.scores.append(shadowed)
        elif isinstance(outcome.failure, StorageError):
            gain.dropped_count += 1
        elif outcome.failure is not None:
            log.error("shadow_failed", bundle_id=trial.bundle_id, exc_info=outcome.failure)
            gain.trouble = f"scoring failed ({type(outcome.failure).__name__})"

    def _is_quiet(self) -> bool:
        """Whether no camera waits for its verdict, now or within half a second."""
        for _ in range(_QUIET_LOOKS):
            if self._busy_count() == 0:
                return True
            time.sleep(_QUIET_S)
        return False

    def _gain(self, trial: OpenTrial) -> Gain:
        return self._gains.setdefault(trial.id, Gain())

    def _flush_if_due(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        count = sum(len(gain.scores) for gain in tuple(self._gains.values()))
        if not at_once and count < _FLUSH_AT and now - self._flushed_at < _FLUSH_S:
            return
        gains, self._gains = self._gains, {}
        with Outcome() as outcome:
            operations.record(self._database, gains, wall_s=now - self._flushed_at)
        self._flushed_at = now
        if outcome.failure is not None:
            log.error("shadow_not_recorded", error=str(outcome.failure).splitlines()[0])


def score(challenger: Inspector, part: LivePart, image_store: ImageStore) -> Shadowed:
    """What the challenger says of a part, under the station's crop and quality. Raises StorageError, BundleError."""
    # Limits of a profile belong to the bundle they were set for.
    profile = part.profile.model_copy(update={"bundle_id": None, "thresholds": None})
    inspector = challenger.for_station(profile)
    inspection = inspector.inspect(image_store.get(part.image_sha256), name=f"inspection {part.inspection_id}")
    limits = inspector.thresholds
    ours, theirs = inspection.part_score, part.part_score
    return Shadowed(
        inspection_id=part.inspection_id,
        verdict=inspection.verdict,
        champion_verdict=part.verdict,
        local_score=inspection.local_score,
        global_score=inspection.global_score,
        part_score=ours,
        local_pass_limit=limits.local_score.pass_limit,
        local_fail_limit=limits.local_score.fail_limit,
        global_pass_limit=limits.global_score.pass_limit,
        global_fail_limit=limits.global_score.fail_limit,
        is_flip=inspection.verdict is not part.verdict,
        apart=abs(ours - theirs) if ours is not None and theirs is not None else 0.0,
    )
