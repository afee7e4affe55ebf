"""What Prometheus is told. One registry an application, so that two of them in a process do not mix."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from inspection.verdict import Reason, Verdict
from service.alarms import ALARMS, Alarms

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_STATION_LIMIT = 200
_OTHERS = "(others)"


class Metrics:
    """Names begin with kensa_. A station's name is a label until there are too many of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._stations: set[str] = set()
        self.verdicts = Counter(
            "kensa_verdicts", "Verdicts by station.", ["station", "verdict"], registry=self.registry
        )
        self.holds = Counter("kensa_holds", "Held parts by reason.", ["reason"], registry=self.registry)
        self.stages = Histogram(
            "kensa_stage_seconds",
            "Time by stage: decode, preprocess, waiting, inference, store, record, total.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch_sizes = Histogram(
            "kensa_batch_images", "Images scored together.", buckets=_BATCH_SIZES, registry=self.registry
        )
        self.commit_sizes = Histogram(
            "kensa_commit_requests",
            "Requests recorded in one transaction.",
            buckets=_BATCH_SIZES,
            registry=self.registry,
        )
        # Found once: what every part counts, the registry would look up under a lock each time.
        self._verdict_of = lru_cache(maxsize=3 * (_STATION_LIMIT + 1))(self.verdicts.labels)
        self._stage_of = lru_cache(maxsize=32)(self.stages.labels)
        self.problems = Counter(
            "kensa_problems", "Requests answered with an error, by status.", ["status"], registry=self.registry
        )

    def watch(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        Gauge(name, meaning, registry=self.registry).set_function(read)

    def watch_alarms(self, alarms: Alarms) -> None:
        """1 for each alarm that stands, 0 for the others."""
        gauge = Gauge("kensa_alarm", "Alarms; each has a page in the runbook.", ["alarm"], registry=self.registry)
        for name in ALARMS:
            gauge.labels(name).set_function(partial(alarms.is_standing, name))

    def count_verdict(self, station: str, verdict: Verdict, reason: Reason, timings_ms: Mapping[str, float]) -> None:
        """One inspection that was recorded."""
        if station not in self._stations and len(self._stations) >= _STATION_LIMIT:
            station = _OTHERS
        self._stations.add(station)
        self._verdict_of(station, verdict.value).inc()
        if verdict is Verdict.HOLD:
            self.holds.labels(reason.value).inc()
        for stage, value in timings_ms.items():
            self.time_stage(stage, value / 1e3)

    def time_stage(self, stage: str, seconds: float) -> None:
        """How long one stage took for one part."""
        self._stage_of(stage).observe(seconds)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
