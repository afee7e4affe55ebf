"""Alarms: what a person must do something about. Each has a page in docs/runbook."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger("kensa.alarm")

ALARMS = {
    "disk_low": "The disk is filling up; soon images can no longer be stored.",
    "disk_full": "The disk is full: images are no longer stored, and every part is held.",
    "image_store_failing": "The image store does not take images: parts are held.",
    "database_failing": "The database does not take verdicts: cameras are told to try again.",
    "bundle_damaged": "The files of a bundle in use were changed or are gone; what is loaded still judges.",
    "not_in_force": "A profile or promotion could not come into force: the station goes on as before.",
    "overloaded": "Parts come faster than they are judged: those too many are held.",
    "scorer_replaced": "A thread that scores died or was stuck, and another took its place.",
    "challenge_failed": "A challenge part was judged wrongly: its station holds every part until an engineer acts.",
    "drift_global": "Camera, light or pose of a station has moved: its calibration promises nothing, and more is held.",
    "drift_local": "The product or the process of a station has changed: its scores have moved, the view has not.",
    "factory_behind": "The plant's systems are not told of verdicts: none is lost, and parts are judged as ever.",
    "clock_set_back": "The clock of this machine was set back.",
}
"""Name and meaning. A runbook page of the same name says what to do."""
# An alarm of an event stands for a while after the last one, so that a person and a scraper both see it.
_STANDS_S = 300.0


@dataclass(frozen=True, slots=True)
class Told:
    """What an alarm tells more, one sentence: a marked message, which a page says in the reader's language.

    `cause` is what an error said of itself, in English.
    """

    message: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    cause: str = ""

    def __str__(self) -> str:
        said = self.message % self.values
        return f"{said}: {self.cause}" if said and self.cause else said or self.cause


@dataclass(frozen=True, slots=True)
class Alarm:
    """One that stands."""

    name: str
    meaning: str
    told: tuple[Told, ...]

    @property
    def detail(self) -> str:
        """In English."""
        return "; ".join(map(str, self.told))


class Alarms:
    """Raised by whoever notices; lowered by whoever sees it mended, or by time. Safe for several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._standing: dict[str, tuple[tuple[Told, ...], float | None]] = {}
        self._lock = threading.Lock()

    def raise_alarm(self, name: str, detail: str | Sequence[Told], *, until_lowered: bool = False) -> None:
        """For an event it stands a few minutes; for a state until `lower`. Told to the log when it is new.

        A `detail` that is text is what an error said.
        """
        alarm = Alarm(name, ALARMS[name], (Told("", cause=detail),) if isinstance(detail, str) else tuple(detail))
        with self._lock:
            is_new = name not in self._live()
            self._standing[name] = (alarm.told, None if until_lowered else self._now() + _STANDS_S)
        if is_new:
            log.error(
                "alarm", alarm=name, meaning=alarm.meaning, detail=alarm.detail, runbook=f"docs/runbook/{name}.md"
            )

    def lower(self, name: str) -> None:
        """It is mended."""
        with self._lock:
            was_there = self._standing.pop(name, None)
        if was_there is not None:
            log.info("alarm_over", alarm=name)

    def set(self, name: str, detail: str | Sequence[Told]) -> None:
        """The alarm of a state that is looked at again and again: nothing to tell is well."""
        if not detail:
            self.lower(name)
        else:
            self.raise_alarm(name, detail, until_lowered=True)

    def standing(self) -> list[Alarm]:
        """All that stand now, by name."""
        with self._lock:
            return [Alarm(name, ALARMS[name], told) for name, told in sorted(self._live().items())]

    def is_standing(self, name: str) -> bool:
        with self._lock:
            return name in self._live()

    def _live(self) -> dict[str, tuple[Told, ...]]:
        now = self._now()
        return {name: told for name, (told, end) in self._standing.items() if end is None or end > now}
