"""What export does: it reads some rows at a time, each in a transaction of its own, so that nobody waits for it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from service.csv_text import csv_lines
from service.db.engine import Database
from service.export.sheets import SHEETS, SUBJECTS, Sheet, Subject

__all__ = ["SHEETS", "SUBJECTS", "Sheet", "Subject", "stream_csv"]

_ROWS_AT_ONCE = 1000


def stream_csv(database: Database, sheet: Sheet, *, above: int = 0) -> Iterator[str]:
    """All rows after key `above` as CSV. Rows that come while it runs are in it; none is in it twice."""
    return csv_lines(sheet.columns, _rows(database, sheet, above))


def _rows(database: Database, sheet: Sheet, above: int) -> Iterator[Sequence[object]]:
    key_at = sheet.columns.index(sheet.key)
    while True:
        with database.reading() as session:
            rows: Sequence[Any] = session.execute(sheet.rows_above(above, _ROWS_AT_ONCE)).all()
        for row in rows:
            yield [_plain(value) for value in row]
        if len(rows) < _ROWS_AT_ONCE:
            return
        above = rows[-1][key_at]


def _plain(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
