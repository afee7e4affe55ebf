"""What spot checks do: draw parts at intake, and say what the decisions about drawn parts amount to."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.db.engine import Database
from service.profiles.operations import find_lines
from service.review.operations import Decision, Occasion, Opinion, find_repeated, live_of, standing_of
from service.spot_checks import drawing, queries
from service.spot_checks.drawing import Arrival
from service.spot_checks.queries import Arrived, DecidedGroup, JudgedPart
from service.spot_checks.rates import CONFIDENCE, Agreement, Drawn, Method, RateEstimate, estimate_rate
from service.spot_checks.rates import measure_agreement as measure_agreement_of_pairs
from service.spot_checks.schemas import (
    AgreementAnswer,
    CheckScope,
    EscapesAnswer,
    OverkillAnswer,
    PairAgreement,
    SpotCheckReport,
)
from service.tallies.operations import quarter_of

__all__ = [
    "Agreement",
    "Agreements",
    "Arrival",
    "CheckScope",
    "EscapeEstimate",
    "JudgedPart",
    "Method",
    "OverkillEstimate",
    "Places",
    "RateEstimate",
    "estimate_defective_share",
    "estimate_escapes",
    "estimate_overkill",
    "is_checked",
    "measure_agreement",
    "queue_arrivals",
    "report",
    "stream_judged",
]

is_checked = queries.is_checked

_CHANCE = random.SystemRandom()
_ANSWERS = (Decision.CONFIRMED_DEFECT, Decision.FALSE_ALARM, Decision.UNCLEAR)


@dataclass(frozen=True, slots=True)
class EscapeEstimate:
    """What spot checks of passed parts say of escapes.

    The rates rest on `defective_share.total` parts: drawn, decided and settled. Those that wait, and those that are
    unclear, are told beside them and count for nothing: they are taken to be like the others.
    """

    passed_count: int
    """All parts that passed."""
    drawn_count: int
    waiting_count: int
    unclear_count: int
    defective_share: RateEstimate
    """Defective parts among those that passed."""
    escape_rate: RateEstimate | None
    """Defective parts that passed, over all defective parts. Its bounds are those of the share; that the caught parts
    are an estimate too, where flagged ones wait, is left out. None where no defective part was found at all."""


@dataclass(frozen=True, slots=True)
class OverkillEstimate:
    """What decisions about held and failed parts say of overkill."""

    flagged_count: int
    decided_count: int
    unclear_count: int
    false_alarm_share: RateEstimate
    """Good parts among those that were held or failed."""
    overkill_rate: RateEstimate | None
    """Good parts that were held or failed, over all good parts. None where nothing was inspected."""


@dataclass(frozen=True, slots=True)
class Places:
    """What can be asked about."""

    lines: list[str]
    stations: list[str]


@dataclass(frozen=True, slots=True)
class _Counted:
    """Parts that came, those that passed and were drawn, and flagged ones that were decided."""

    arrived: Arrived
    drawn: list[DecidedGroup]
    decided: list[DecidedGroup]


@dataclass(frozen=True, slots=True)
class Agreements:
    """From decided parts that came again, blind."""

    between_inspectors: Agreement
    with_oneself: Agreement
    by_pair: dict[tuple[str, str], Agreement]
    """Of each two people: (who decided, who was asked again)."""


def queue_arrivals(session: Session, arrivals: Iterable[Arrival], chance: random.Random = _CHANCE) -> None:
    """For intake: queue the flagged ones of what it has just recorded, and what is drawn; in the same transaction."""
    drawing.queue_arrivals(session, arrivals, chance)


def estimate_escapes(
    database: Database, scope: CheckScope | None = None, *, confidence: float = CONFIDENCE
) -> EscapeEstimate:
    """From drawn parts that passed, each weighted by 1 / the probability with which it was drawn."""
    return _escapes_of(_count_all(database, scope or CheckScope()), confidence)


def estimate_defective_share(
    database: Database, scope: CheckScope | None = None, *, confidence: float = CONFIDENCE
) -> RateEstimate:
    """Defective parts among those that passed, as `estimate_escapes` has it, without counting all that passed."""
    with database.reading() as session:
        drawn = queries.count_drawn(session, scope or CheckScope())
    return estimate_rate(_drawn(drawn, Decision.CONFIRMED_DEFECT), confidence)


def estimate_overkill(
    database: Database, scope: CheckScope | None = None, *, confidence: float = CONFIDENCE
) -> OverkillEstimate:
    """From held and failed parts that were decided; the good ones among the passed follow from the spot checks."""
    return _overkill_of(_count_all(database, scope or CheckScope()), confidence)


def measure_agreement(
    database: Database, scope: CheckScope | None = None, *, confidence: float = CONFIDENCE
) -> Agreements:
    """Cohen's kappa between inspectors and with oneself: the decision that stood, and the answer when it came again."""
    asked = scope or CheckScope()
    with database.reading() as session:
        repeated = find_repeated(session, queries.repeated_ids(session, asked))
    pairs = [pair for group in repeated for pair in _pairs_of(group)]
    by_people: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for first, second in pairs:
        answers = (first.decision.value, second.decision.value)
        by_people.setdefault((first.reviewer, second.reviewer), []).append(answers)
    others = [pair for people, found in by_people.items() if people[0] != people[1] for pair in found]
    own = [pair for people, found in by_people.items() if people[0] == people[1] for pair in found]
    return Agreements(
        between_inspectors=measure_agreement_of_pairs(others, _ANSWERS, confidence),
        with_oneself=measure_agreement_of_pairs(own, _ANSWERS, confidence),
        by_pair={
            people: measure_agreement_of_pairs(found, _ANSWERS, confidence)
            for people, found in sorted(by_people.items())
        },
    )


def find_places(database: Database) -> Places:
    """Lines and stations, in order."""
    with database.reading() as session:
        return Places(find_lines(session), queries.find_station_names(session))


def report(database: Database, scope: CheckScope) -> SpotCheckReport:
    """All of it, as the API and the page give it."""
    counted = _count_all(database, scope)
    agreements = measure_agreement(database, scope)
    return SpotCheckReport(
        scope=scope,
        is_behind=counted.arrived.is_behind,
        escapes=EscapesAnswer.model_validate(_escapes_of(counted, CONFIDENCE)),
        overkill=OverkillAnswer.model_validate(_overkill_of(counted, CONFIDENCE)),
        between_inspectors=AgreementAnswer.model_validate(agreements.between_inspectors),
        with_oneself=AgreementAnswer.model_validate(agreements.with_oneself),
        by_pair=[
            PairAgreement(first=first, second=second, agreement=AgreementAnswer.model_validate(found))
            for (first, second), found in agreements.by_pair.items()
        ],
    )


def stream_judged(session: Session, scope: CheckScope | None = None) -> Iterator[JudgedPart]:
    """Every part that a person decided because it was flagged or drawn, with the probability of that; by its id.

    For who weighs decisions: thresholds, a challenger's gate, reports. Within the caller's transaction.
    """
    yield from queries.stream_judged(session, scope or CheckScope())


def _count_all(database: Database, scope: CheckScope) -> _Counted:
    # Parts are counted by quarters of an hour, and what is set beside them must be of the same ones.
    whole = scope.model_copy(
        update={name: quarter_of(moment) for name in ("since", "until") if (moment := getattr(scope, name)) is not None}
    )
    with database.reading() as session:
        return _Counted(
            queries.count_arrived(session, whole),
            queries.count_drawn(session, whole),
            queries.count_flagged_decided(session, whole),
        )


def _escapes_of(counted: _Counted, confidence: float) -> EscapeEstimate:
    flagged_rate = estimate_rate(_drawn(counted.decided, Decision.CONFIRMED_DEFECT), confidence).rate or 0.0
    share = estimate_rate(_drawn(counted.drawn, Decision.CONFIRMED_DEFECT), confidence)
    passed_count = counted.arrived.passed_count
    return EscapeEstimate(
        passed_count=passed_count,
        drawn_count=sum(group.count for group in counted.drawn),
        waiting_count=_count(counted.drawn, None),
        unclear_count=_count(counted.drawn, Decision.UNCLEAR),
        defective_share=share,
        # Flagged parts that wait are taken to be like those that were decided.
        escape_rate=_over_all(share, passed_count, counted.arrived.flagged_count * flagged_rate),
    )


def _overkill_of(counted: _Counted, confidence: float) -> OverkillEstimate:
    share = estimate_rate(_drawn(counted.decided, Decision.FALSE_ALARM), confidence)
    defective = estimate_rate(_drawn(counted.drawn, Decision.CONFIRMED_DEFECT), confidence).rate or 0.0
    flagged_count = counted.arrived.flagged_count
    return OverkillEstimate(
        flagged_count=flagged_count,
        decided_count=sum(group.count for group in counted.decided),
        unclear_count=_count(counted.decided, Decision.UNCLEAR),
        false_alarm_share=share,
        overkill_rate=_over_all(share, flagged_count, counted.arrived.passed_count * (1 - defective)),
    )


def _drawn(groups: list[DecidedGroup], counted: Decision) -> list[Drawn]:
    """Decided and settled parts by their probability, and how many of them were decided as `counted`."""
    clear = [group for group in groups if group.decision in (Decision.CONFIRMED_DEFECT, Decision.FALSE_ALARM)]
    return [
        Drawn(
            probability,
            count=sum(one.count for one in clear if one.probability == probability and one.decision is counted),
            total=sum(one.count for one in clear if one.probability == probability),
        )
        for probability in sorted({group.probability for group in clear})
    ]


def _count(groups: list[DecidedGroup], decision: Decision | None) -> int:
    return sum(group.count for group in groups if group.decision is decision)


def _over_all(share: RateEstimate, group_count: int, others_count: float) -> RateEstimate | None:
    """The share of a group of parts, as a rate over all parts of that kind, `others_count` of which lie elsewhere."""

    def carried(value: float) -> float:
        found = value * group_count
        return found / (found + others_count) if found + others_count else 0.0

    if share.rate is None or not share.rate * group_count + others_count:
        return None
    return RateEstimate(
        count=share.count,
        total=share.total,
        rate=carried(share.rate),
        low=carried(share.low),
        high=carried(share.high),
        upper_bound=carried(share.upper_bound),
        method=share.method,
        effective_total=share.effective_total,
        confidence=share.confidence,
    )


def _pairs_of(dispositions: list[Opinion]) -> Iterator[tuple[Opinion, Opinion]]:
    """(the decision that stood, the answer to the repeat) of one inspection, oldest first."""
    live = live_of(dispositions)
    for place, row in enumerate(live):
        if row.occasion is Occasion.REPEAT and (before := standing_of(live[:place])) is not None:
            yield before, row
