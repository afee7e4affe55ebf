"""Tables as CSV (RFC 4180), a row at a time: nothing has to fit into memory."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# With the mark, spreadsheets read Japanese names rightly.
_BYTE_ORDER_MARK = "\ufeff"
CSV_TYPE = "text/csv; charset=utf-8"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The header and each row as a line. Instants are UTC; what is None is empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(_BYTE_ORDER_MARK)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        # Some kilobytes at a time: a line each would cost more in sending than in making.
        if buffer.tell() > 65_536:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    # A spreadsheet would run a name that begins so as a formula.
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
