"""From all pictures of a day to those that may be learned from, each of the others with its reason."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inspection.verdict import Verdict
from service.nightly.guard.candidate import Candidate, Look, Said, Why
from service.nightly.guard.policy import GuardPolicy
from service.nightly.guard.quality import find_outliers
from service.nightly.guard.same_frame import find_same_frames


@dataclass(frozen=True)
class QualityOutlier:
    """A picture that looks unlike its station's others: what stands out, and by how many robust deviations."""

    image: str
    station: str
    measure: str
    deviations: float


@dataclass(frozen=True)
class Selection:
    """Every candidate is in `kept` or in `left_out`, once."""

    kept: tuple[Candidate, ...]
    left_out: tuple[tuple[Candidate, Why], ...]
    outliers: tuple[QualityOutlier, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Pictures left out, by why."""
        return dict(sorted(Counter(why.value for _, why in self.left_out).items()))


def select(candidates: Iterable[Candidate], policy: GuardPolicy) -> Selection:
    """The same pictures give the same selection, in whatever order they come."""
    out: dict[int, Why] = {}
    ordered = sorted(candidates, key=lambda one: one.inspection_id)
    for place, one in enumerate(ordered):
        if (why := _why_by_record(one, policy)) is not None:
            out[place] = why
    out |= _repeated_parts(ordered, out)
    for places in _by(ordered, out, "station"):
        out |= _same_frames(ordered, places, policy)
    for places in _by(ordered, out, "station"):
        out |= _highest_scores(ordered, places, policy)
    outliers = []
    for places in _by(ordered, out, "station"):
        found = find_outliers(_looks(ordered, places), policy.outlier_deviations)
        for place, measure, deviations in ((places[one.place], one.measure, one.deviations) for one in found):
            outliers.append(QualityOutlier(ordered[place].image, ordered[place].station, measure, deviations))
            if policy.outliers_stay_out:
                out[place] = Why.QUALITY
    for key, cap, why in (("lot", policy.lot_cap, Why.LOT_CAP), ("station", policy.station_cap, Why.STATION_CAP)):
        for places in _by(ordered, out, key):
            out |= _beyond(ordered, places, cap, why)
    return Selection(
        kept=tuple(one for place, one in enumerate(ordered) if place not in out),
        left_out=tuple((one, out[place]) for place, one in enumerate(ordered) if place in out),
        outliers=tuple(outliers),
    )


def _why_by_record(one: Candidate, policy: GuardPolicy) -> Why | None:
    if one.is_kept_out:
        return Why.KEPT_OUT
    if one.is_golden:
        return Why.GOLDEN
    if one.is_challenge:
        return Why.CHALLENGE
    if one.said is Said.CONFIRMED_DEFECT:
        return Why.CONFIRMED_DEFECT
    if one.said is Said.DISPUTED:
        return Why.DISPUTED
    is_cleared = policy.false_alarms_come_in and one.said is Said.FALSE_ALARM
    if one.verdict is not Verdict.PASS and not is_cleared:
        return Why.FLAGGED
    return Why.UNREADABLE if one.look is None else None


def _repeated_parts(ordered: Sequence[Candidate], out: dict[int, Why]) -> dict[int, Why]:
    """The same view of the same part, taken again: the first stays. Identical bytes are the same picture anyway."""
    seen: set[object] = set()
    found = {}
    for place, one in enumerate(ordered):
        if place in out:
            continue
        view = (one.station, one.part, one.image_number)
        if view in seen or one.image in seen:
            found[place] = Why.SAME_PART
        seen |= {view, one.image}
    return found


def _same_frames(ordered: Sequence[Candidate], places: list[int], policy: GuardPolicy) -> dict[int, Why]:
    looks = [look.fingerprint for look in _looks(ordered, places)]
    repeats = find_same_frames(looks, policy.same_frame_ratio)
    return {places[index]: Why.SAME_FRAME for index, repeated in enumerate(repeats) if repeated is not None}


def _highest_scores(ordered: Sequence[Candidate], places: list[int], policy: GuardPolicy) -> dict[int, Why]:
    # What a person has cleared may score high by its nature, and stays.
    scored = [place for place in places if ordered[place].said is not Said.FALSE_ALARM]
    descending = sorted(scored, key=lambda place: (-_score(ordered[place]), ordered[place].image))
    count = int(np.floor(policy.tail_share * len(scored)))
    return dict.fromkeys(descending[:count], Why.HIGH_SCORE)


def _beyond(ordered: Sequence[Candidate], places: list[int], cap: int, why: Why) -> dict[int, Why]:
    # By digest: as good as drawn at random, and the same at every try.
    return dict.fromkeys(sorted(places, key=lambda place: ordered[place].image)[cap:], why)


def _by(ordered: Sequence[Candidate], out: dict[int, Why], key: str) -> Iterator[list[int]]:
    """Places that are still in, by station or by lot; pictures without a lot belong to none."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(ordered):
        if place not in out and (name := getattr(one, key)) is not None:
            groups[name].append(place)
    yield from groups.values()


def _looks(ordered: Sequence[Candidate], places: list[int]) -> list[Look]:
    return [look for place in places if (look := ordered[place].look) is not None]


def _score(one: Candidate) -> float:
    return -np.inf if one.part_score is None else one.part_score
