"""Jinja templates: everything escaped, a missing name is an error, every sentence in the reader's language."""

from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.web.charts import map_style_id
from service.web.kept_words import say_kept
from service.web.languages import LANGUAGES, language

_FOLDER = Path(__file__).parent / "templates"


def render(template: str, code: str, **context: object) -> str:
    """A template of `service/web/templates` as HTML, in the language of that code."""
    return _environment(code).get_template(template).render(context)


@cache
def _environment(code: str) -> Environment:
    own = language(code)
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(own.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["instant"] = _instant
    environment.filters["number"] = own.number
    environment.filters["percent"] = own.percent
    environment.filters["day"] = own.day
    environment.filters["on_paper"] = own.instant
    environment.filters["kept"] = partial(say_kept, language=own)
    environment.globals["languages"] = LANGUAGES
    environment.globals["map_style_id"] = map_style_id
    return environment


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
