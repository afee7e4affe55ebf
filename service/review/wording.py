"""A verdict in words and on a scale, as the review page shows it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from inspection.verdict import Reason
from service.db.tables import StoredInspection
from service.review.queue_filter import QueueFilter, QueueOrder
from service.review.tables import Decision
from service.web.languages import Language, mark

Words: TypeAlias = Callable[..., str]
"""A message in the reader's language: `Visit.words`."""

DECISIONS = {
    Decision.CONFIRMED_DEFECT: mark("confirmed defect"),
    Decision.FALSE_ALARM: mark("false alarm"),
    Decision.UNCLEAR: mark("unclear"),
    Decision.WITHDRAWN: mark("withdrawn"),
}
# What could not be judged: a few words, then what to do.
_NOT_JUDGED = {
    Reason.UNDECODABLE: (
        mark("The image could not be read."),
        mark("It was cut short or damaged on its way. Look at the camera's cable and its settings."),
    ),
    Reason.WRONG_SIZE: (
        mark("The image has a size that cannot be judged."),
        mark("Compare the camera's settings with the station's profile."),
    ),
    Reason.TOO_DARK: (mark("The image is too dark to judge."), mark("Look at the lamp and the exposure.")),
    Reason.TOO_BRIGHT: (mark("The image is too bright to judge."), mark("Look at the lamp and the exposure.")),
    Reason.FLAT: (
        mark("The image shows no contrast."),
        mark("Is there a part before the camera, and is the lens free?"),
    ),
    Reason.BLURRED: (
        mark("The image is too blurred to judge."),
        mark("Look at the focus, and at what shakes the camera."),
    ),
    Reason.CLIPPED: (
        mark("Too much of the image is full black or white."),
        mark("Look at the exposure, and at reflections."),
    ),
    Reason.NO_MODEL: (
        mark("There was no model to judge with."),
        mark("The station's profile asks for a bundle that is not here."),
    ),
    Reason.TIMED_OUT: (mark("Judging took too long."), mark("The service had too much to do.")),
    Reason.OVERLOADED: (mark("Too many images came at once."), mark("The service had too much to do.")),
    Reason.NOT_STORED: (
        mark("The image could not be stored."),
        mark("The image store was full or away; there is nothing to look at but the part itself."),
    ),
    Reason.CHALLENGE_DUE: (
        mark("The shift's challenge parts were not shown yet."),
        mark("Until all of them are judged rightly, the station holds every part."),
    ),
    Reason.CHALLENGE_FAILED: (
        mark("A challenge part was judged wrongly in this shift."),
        mark("Until an engineer acts, the station holds every part."),
    ),
    Reason.INTERNAL: (mark("Judging failed inside the service."), mark("Its log says more.")),
}
# Where the limits stand on the scale, in percent of its width; the same on every part, so that places can be learned.
PASS_AT, FAIL_AT = 42.0, 68.0


@dataclass(frozen=True, slots=True)
class Why:
    """Why a part was flagged: a few words, then the figures or the remedy in one sentence."""

    headline: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Scale:
    """One score between its two limits; `needle_at` in percent of the scale's width."""

    name: str
    meaning: str
    score: str
    pass_limit: str
    fail_limit: str
    needle_at: float
    zone: str


def explain(row: StoredInspection, words: Words) -> Why:
    """One sentence for the person who decides."""
    reason = Reason(row.reason)
    if told := _NOT_JUDGED.get(reason):
        return Why(words(told[0]), words(told[1]))
    if reason is Reason.NORMAL:
        return Why(words("Nothing stands out."), words("Both scores lie within their pass limits."))
    is_local = reason in (Reason.LOCAL_HOLD, Reason.LOCAL_FAIL)
    headline = words("A region stands out.") if is_local else words("The view as a whole is unusual.")
    score, pass_limit, fail_limit = (
        (row.local_score, row.local_pass_limit, row.local_fail_limit)
        if is_local
        else (row.global_score, row.global_pass_limit, row.global_fail_limit)
    )
    figure = format_within(pass_limit, fail_limit)
    figures = {"score": figure(score), "pass_limit": figure(pass_limit), "fail_limit": figure(fail_limit)}
    return Why(headline, words(_SENTENCES[reason], **figures))


_SENTENCES = {
    Reason.LOCAL_HOLD: mark(
        "Its local score of %(score)s lies between the pass limit %(pass_limit)s and the fail limit %(fail_limit)s."
    ),
    Reason.GLOBAL_HOLD: mark(
        "The global score of %(score)s lies between the pass limit %(pass_limit)s and the fail limit %(fail_limit)s."
    ),
    Reason.LOCAL_FAIL: mark("Its local score of %(score)s lies above the fail limit %(fail_limit)s."),
    Reason.GLOBAL_FAIL: mark("The global score of %(score)s lies above the fail limit %(fail_limit)s."),
}


def describe_filter(wanted: QueueFilter, language: Language) -> list[str]:
    """What a person has asked for, a few words each."""
    said = [wanted.line, wanted.station, wanted.lot, wanted.part_number, wanted.search, wanted.defect]
    if wanted.verdict is not None:
        said.append(wanted.verdict.value)
    if wanted.least_score is not None:
        said.append(language.words("part score from %(score)s", score=language.number(wanted.least_score)))
    if wanted.since is not None:
        said.append(language.words("since %(time)s", time=language.instant(wanted.since)))
    if wanted.second_opinion:
        said.append(language.words("Second opinions"))
    if wanted.order is QueueOrder.NEWEST:
        said.append(language.words("Newest first"))
    return [one for one in said if one]


def scales_of(row: StoredInspection, words: Words) -> list[Scale]:
    """Both scores against their limits; empty where the image could not be scored."""
    local = (words("Local score"), words("most unusual region"))
    whole = (words("Global score"), words("whole view"))
    found = (
        (*local, row.local_score, row.local_pass_limit, row.local_fail_limit),
        (*whole, row.global_score, row.global_pass_limit, row.global_fail_limit),
    )
    return [
        _scale(name, meaning, score, pass_limit, fail_limit)
        for name, meaning, score, pass_limit, fail_limit in found
        if score is not None and pass_limit is not None and fail_limit is not None
    ]


def place_on_scale(score: float, pass_limit: float, fail_limit: float) -> float:
    """Where a score's needle stands, in percent of the scale's width; beyond the ends it stays at the end."""
    in_bands = (score - pass_limit) / (fail_limit - pass_limit)
    return round(min(max(PASS_AT + (FAIL_AT - PASS_AT) * in_bands, 1.0), 99.0), 2)


def _scale(name: str, meaning: str, score: float, pass_limit: float, fail_limit: float) -> Scale:
    zone = "pass" if score <= pass_limit else "hold" if score <= fail_limit else "fail"
    figure = format_within(pass_limit, fail_limit)
    needle_at = place_on_scale(score, pass_limit, fail_limit)
    return Scale(name, meaning, figure(score), figure(pass_limit), figure(fail_limit), needle_at, zone)


def format_within(pass_limit: float | None, fail_limit: float | None) -> Callable[[float | None], str]:
    """A format with two digits within the hold band, so that a score next to a limit can be told from it."""
    if pass_limit is None or fail_limit is None:
        return lambda _value: "–"
    decimals = min(max(2 - math.floor(math.log10(fail_limit - pass_limit)), 0), 8)
    return lambda value: "–" if value is None else f"{value:.{decimals}f}"
