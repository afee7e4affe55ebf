"""Where a station stands with its challenge parts: the one rule, without a database or a clock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.challenge.tables import ActKind


class Standing(StrEnum):
    """Of one station in one shift."""

    NONE = "none"
    """It has no challenge parts yet in this shift."""
    DUE = "due"
    """Some were not shown yet."""
    PASSED = "passed"
    FAILED = "failed"
    """At least one was judged wrongly: nothing but an engineer opens the station again."""
    RELEASED = "released"
    """An engineer let it go on without."""

    @property
    def holds(self) -> bool:
        """Are all other parts held?"""
        return self in (Standing.DUE, Standing.FAILED)


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A challenge part that was not retired."""

    id: int
    name: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """What a challenge part got."""

    part_id: int
    was_right: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """What an engineer did."""

    kind: ActKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Challenge:
    """How it stands, and which parts are still to be shown."""

    standing: Standing
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def stand(
    parts: Sequence[KnownPart], shown: Collection[Shown], acts: Collection[Act], shift_start: datetime
) -> Challenge:
    """Parts count from the shift after their registration, or from an engineer's word to show all again."""
    latest = max((act for act in acts if act.at >= shift_start), key=lambda act: act.at, default=None)
    if latest is not None and latest.kind is ActKind.RELEASE:
        return Challenge(Standing.RELEASED)
    since = shift_start if latest is None else latest.at
    wanted = {part.id: part.name for part in parts if part.registered_at <= since}
    if not wanted:
        return Challenge(Standing.NONE)
    results = [one for one in shown if one.at >= since and one.part_id in wanted]
    right = {one.part_id for one in results if one.was_right}
    wrong = dict.fromkeys(wanted[one.part_id] for one in results if not one.was_right)
    missing = tuple(name for number, name in wanted.items() if number not in right)
    if wrong:
        return Challenge(Standing.FAILED, missing, tuple(wrong))
    return Challenge(Standing.DUE, missing) if missing else Challenge(Standing.PASSED)
