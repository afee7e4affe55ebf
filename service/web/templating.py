"""Jinja templates: everything escaped, and a name that is missing is an error, not a blank."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.filters["instant"] = _instant


def render(template: str, **context: object) -> str:
    """A template of `service/web/templates` as HTML."""
    return _environment.get_template(template).render(context)
