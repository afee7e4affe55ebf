"""The languages of the pages. English stands in the sources; the others in `words/*.po`, which `make words` keeps.

A person's choice lies in a cookie; before there is one, the browser's own languages count.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations
from fastapi import Request

LANGUAGE_COOKIE = "kensa_language"
LANGUAGES = {"en": "English", "ja": "日本語"}
"""By code, each under its own name."""
DEFAULT = "en"
WORDS_FOLDER = Path(__file__).parent / "words"


def mark(message: str) -> str:
    """The message as it is: marked for translation where it stands, and translated where it is used."""
    return message


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its words, dates and numbers."""

    code: str
    translations: Translations

    def words(self, message: str, **values: object) -> str:
        """The message in this language, with its %(name)s filled in."""
        text: str = self.translations.gettext(message)
        return text % values if values else text

    def number(self, value: float) -> str:
        """With the separators of this language."""
        return _decimal(self.code, value)

    def percent(self, share: float) -> str:
        """A share from 0 to 1, to two digits that count."""
        text: str = format_percent(float(f"{share:.2g}"), locale=self.code, decimal_quantization=False)
        return text

    def day(self, day: date) -> str:
        """A day of the calendar."""
        text: str = format_date(day, "medium", locale=self.code)
        return text

    def instant(self, moment: datetime) -> str:
        """For paper: date and time to the second, with the zone."""
        text: str = format_datetime(moment, "long", locale=self.code)
        return text


# A table has hundreds of numbers, most of them the same at every look.
@lru_cache(maxsize=16384)
def _decimal(code: str, value: float) -> str:
    text: str = format_decimal(value, locale=code)
    return text


@cache
def language(code: str) -> Language:
    """Raises KeyError for a language that there is not."""
    if code not in LANGUAGES:
        raise KeyError(code)
    return Language(code, _read_translations(code))


def language_of(request: Request) -> Language:
    """The person's choice, else the first of the browser's languages that there is, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return language(chosen)
    return language(_preferred(request.headers))


def _preferred(headers: Mapping[str, str]) -> str:
    """From Accept-Language, as RFC 9110 has it: `ja-JP,ja;q=0.9,en;q=0.8`."""
    wanted: list[tuple[float, int, str]] = []
    for place, item in enumerate(headers.get("accept-language", "").split(",")[:20]):
        tag, _, weight = item.strip().partition(";q=")
        code = tag.split("-")[0].lower()
        if code in LANGUAGES:
            wanted.append((-_weight(weight), place, code))
    return min(wanted)[2] if wanted else DEFAULT


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _read_translations(code: str) -> Translations:
    if code == DEFAULT:
        return Translations(domain="words")
    with (WORDS_FOLDER / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain="words")
