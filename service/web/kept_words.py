"""What the service itself writes into the record as author or note: kept in English, said in the reader's language.

The record stays as it is, whoever reads it. What a person wrote is said as they wrote it.
"""

import re

from service.web.languages import Language, mark

_MESSAGES = (
    mark("start of the service"),
    mark("schedule"),
    mark("night %(name)s"),
    mark("automatic, after the gate"),
    mark("automatic, after %(count)s shadowed parts"),
    mark("approved after night %(name)s"),
    mark("rolled back from %(name)s"),
)
_VALUE = re.compile(r"%\((\w+)\)s")


def _pattern_of(message: str) -> re.Pattern[str]:
    # Literal text and the names of values, in turns.
    pieces = [
        rf"(?P<{piece}>\S+)" if place % 2 else re.escape(piece) for place, piece in enumerate(_VALUE.split(message))
    ]
    return re.compile("".join(pieces))


_PATTERNS = [(_pattern_of(message), message) for message in _MESSAGES]


def say_kept(text: str, language: Language) -> str:
    """The text in that language where the service wrote it, else as it is."""
    for pattern, message in _PATTERNS:
        if found := pattern.fullmatch(text):
            return language.words(message, **found.groupdict())
    return text
