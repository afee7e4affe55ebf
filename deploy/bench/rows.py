"""A year of a line in a database: a million inspections, made by the database itself from a few that were posted."""

from sqlalchemy import Connection, MetaData, Table, create_engine, text
from sqlalchemy.engine import URL, make_url

_TEMPLATE_COUNT = 100
_SECONDS_APART = 30
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :row_count) ",
    "postgresql": "WITH numbers(i) AS (SELECT generate_series(1, :row_count)) ",
}
# The last one came just now, whatever their number.
_AGO_S = f"((:row_count - i) * {_SECONDS_APART})"
_MOMENTS = {
    "sqlite": f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || {_AGO_S} || ' seconds')",
    "postgresql": f"now() - {_AGO_S} * interval '1 second'",
}
_HELD = {"verdict": "'HOLD'", "reason": "'local_score_in_hold_band'"}
# Of four flagged parts three are decided, as after a good shift; all of them wait where all are held.
_IS_DECIDED = "copies.id % 4 <> 0"
_DECISIONS = "CASE copies.id % 4 WHEN 1 THEN 'confirmed_defect' ELSE 'false_alarm' END"
_RANKS = "CASE copies.verdict WHEN 'HOLD' THEN 0 ELSE 1 END"


def add_rows(url: URL, row_count: int, *, all_held: bool = False) -> None:
    """Add `row_count` inspections of as many parts, copies of those posted last but for part, trigger and times.

    Flagged ones were decided or wait in the queue; `all_held` makes a queue of `row_count` parts. Columns are read from
    the database, so that a new column needs nothing here. Images are those of the originals.
    """
    engine = create_engine(url)
    kind = engine.dialect.name
    with engine.begin() as connection:
        values = {"row_count": row_count, "template_count": _TEMPLATE_COUNT}
        connection.execute(
            text(
                f"INSERT INTO parts (name, first_seen_at) {_NUMBERS[kind]}"
                f"SELECT 'old-part-' || i, {_MOMENTS[kind]} FROM numbers"
            ),
            values,
        )
        connection.execute(text(_copying(connection, kind, _HELD if all_held else {})), values)
        for adding in _deciding(connection, all_held):
            connection.execute(text(adding))
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _copying(connection: Connection, kind: str, changed: dict[str, str]) -> str:
    table = Table("inspections", MetaData(), autoload_with=connection)
    given = {"trigger_id": "'old-' || i", "part_id": "parts.id", **changed}
    given |= dict.fromkeys(("captured_at", "received_at"), _MOMENTS[kind])
    columns = [column.name for column in table.columns if column.name != "id"]
    chosen = ", ".join(given.get(name, f"template.{name}") for name in columns)
    return (
        f"INSERT INTO inspections ({', '.join(columns)}) {_NUMBERS[kind]}"
        f"SELECT {chosen} FROM numbers JOIN parts ON parts.name = 'old-part-' || i JOIN"
        f" (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS place_count FROM"
        f" (SELECT * FROM inspections ORDER BY id DESC LIMIT :template_count) AS posted) AS template"
        f" ON template.place = numbers.i % template.place_count ORDER BY numbers.i"
    )


def _deciding(connection: Connection, all_held: bool) -> list[str]:
    """What puts the copies that are flagged before a person, or says what the person decided."""
    is_decided = "1 = 0" if all_held else _IS_DECIDED
    flagged = "FROM inspections AS copies WHERE copies.trigger_id LIKE 'old-%' AND copies.verdict <> 'PASS'"
    waiting = {
        "inspection_id": "copies.id",
        "rank": _RANKS,
        "score": "COALESCE(copies.part_score, -1e300)",
        "kind": "'flagged'",
        "is_blind": "false",
        "suggested_defect": "NULL",
    }
    decided = {
        "inspection_id": "copies.id",
        "decision": _DECISIONS,
        "reviewer": "'bench-' || (copies.id % 3)",
        "decided_at": "copies.received_at",
        "occasion": "'first'",
        "is_blind": "false",
        "settles": "'[]'",
    }
    return [
        _inserting(connection, "waiting_parts", waiting, f"{flagged} AND NOT ({is_decided})"),
        _inserting(connection, "dispositions", decided, f"{flagged} AND ({is_decided})"),
    ]


def _inserting(connection: Connection, name: str, given: dict[str, str], source: str) -> str:
    table = Table(name, MetaData(), autoload_with=connection)
    columns = [column.name for column in table.columns if column.name in given]
    return f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(given[one] for one in columns)} {source}"


def driver_url(address: str) -> URL:
    """A database's address with the driver that is installed for it."""
    url = make_url(address)
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
