"""Alarms and standings in a few words, to be read across a hall."""

from dataclasses import dataclass

from service.alarms import Alarm, Told
from service.challenge.operations import Standing
from service.web.languages import DEFAULT, Language, mark

ALARM_WORDS = {
    "disk_low": mark("Disk filling up"),
    "disk_full": mark("Disk full: every part is held"),
    "image_store_failing": mark("Pictures are not stored: parts are held"),
    "database_failing": mark("Database does not take verdicts"),
    "bundle_damaged": mark("A bundle's files were changed"),
    "not_in_force": mark("A profile or promotion is not in force"),
    "overloaded": mark("Parts come faster than they are judged"),
    "scorer_replaced": mark("A scoring thread was replaced"),
    "challenge_failed": mark("A challenge part was judged wrongly"),
    "drift_global": mark("Camera, light or pose has moved"),
    "drift_local": mark("Product or process has changed"),
    "factory_behind": mark("A receiver of verdicts is behind"),
    "clock_set_back": mark("The clock was set back"),
}
CHALLENGE_WORDS = {
    Standing.DUE: mark("challenge parts due: all is held"),
    Standing.FAILED: mark("challenge failed: all is held"),
    Standing.RELEASED: mark("opened by an engineer"),
}


@dataclass(frozen=True, slots=True)
class AlarmInWords:
    """One alarm for the wall."""

    name: str
    words: str
    details: list[str]


def describe_alarm(alarm: Alarm, language: Language) -> AlarmInWords:
    """In the reader's language. What an error said of itself is English, and is told to who reads English."""
    details = [_say(told, language) for told in alarm.told]
    return AlarmInWords(alarm.name, language.words(ALARM_WORDS[alarm.name]), [one for one in details if one])


def _say(told: Told, language: Language) -> str:
    values = {name: language.number(value) if isinstance(value, int) else value for name, value in told.values.items()}
    # gettext answers an empty message with the catalogue's own head.
    said = language.words(told.message, **values) if told.message else ""
    if not told.cause or language.code != DEFAULT:
        return said
    return f"{said}: {told.cause}" if said else told.cause
