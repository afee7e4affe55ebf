"""A verdict in words and on a scale, as the review page shows it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspection.verdict import Reason
from service.db.tables import StoredInspection

_NOT_JUDGED = {
    Reason.UNDECODABLE: "The image could not be read",
    Reason.WRONG_SIZE: "The image has a size that cannot be judged",
    Reason.TOO_DARK: "The image is too dark to judge",
    Reason.TOO_BRIGHT: "The image is too bright to judge",
    Reason.FLAT: "The image shows no contrast",
    Reason.BLURRED: "The image is too blurred to judge",
    Reason.CLIPPED: "Too much of the image is full black or white",
    Reason.NO_MODEL: "There was no model to judge with",
    Reason.TIMED_OUT: "Judging took too long",
    Reason.OVERLOADED: "Too many images came at once",
    Reason.NOT_STORED: "The image could not be stored",
    Reason.INTERNAL: "Judging failed inside the service",
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


def explain(row: StoredInspection) -> Why:
    """One sentence for the person who decides."""
    reason = Reason(row.reason)
    if headline := _NOT_JUDGED.get(reason):
        return Why(headline, f"{row.detail[:1].upper()}{row.detail[1:]}.")
    if reason is Reason.NORMAL:
        return Why("Nothing stands out", "Both scores lie within their pass limits.")
    is_local = reason in (Reason.LOCAL_HOLD, Reason.LOCAL_FAIL)
    is_held = reason in (Reason.LOCAL_HOLD, Reason.GLOBAL_HOLD)
    headline = "A region stands out" if is_local else "The view as a whole is unusual"
    name, score, pass_limit, fail_limit = (
        ("local", row.local_score, row.local_pass_limit, row.local_fail_limit)
        if is_local
        else ("global", row.global_score, row.global_pass_limit, row.global_fail_limit)
    )
    figure = format_within(pass_limit, fail_limit)
    subject = f"{'Its' if is_local else 'The'} {name} score of {figure(score)}"
    if is_held:
        return Why(
            headline,
            f"{subject} lies between the pass limit {figure(pass_limit)} and the fail limit {figure(fail_limit)}.",
        )
    return Why(headline, f"{subject} lies above the fail limit {figure(fail_limit)}.")


def scales_of(row: StoredInspection) -> list[Scale]:
    """Both scores against their limits; empty where the image could not be scored."""
    found = (
        ("Local score", "most unusual region", row.local_score, row.local_pass_limit, row.local_fail_limit),
        ("Global score", "whole view", row.global_score, row.global_pass_limit, row.global_fail_limit),
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
