"""A year of a line in a database: a million inspections, made by the database itself from a few that were posted."""

from sqlalchemy import Connection, MetaData, Table, create_engine, text
from sqlalchemy.engine import URL, make_url

_TEMPLATE_COUNT = 100
_SECONDS_APART = 30
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :row_count) ",
    "postgresql": "WITH numbers(i) AS (SELECT generate_series(1, :row_count)) ",
}
_MOMENTS = {
    "sqlite": f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 year', '+' || (i * {_SECONDS_APART}) || ' seconds')",
    "postgresql": f"now() - interval '1 year' + i * interval '{_SECONDS_APART} seconds'",
}


def add_rows(url: URL, row_count: int) -> None:
    """Add `row_count` inspections of as many parts, copies of those that are there but for part, trigger and times.

    Columns are read from the database, so that a new column needs nothing here. Images are those of the originals.
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
        connection.execute(text(_copying(connection, kind)), values)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _copying(connection: Connection, kind: str) -> str:
    table = Table("inspections", MetaData(), autoload_with=connection)
    given = {"trigger_id": "'old-' || i", "part_id": "parts.id"}
    given |= dict.fromkeys(("captured_at", "received_at"), _MOMENTS[kind])
    columns = [column.name for column in table.columns if column.name != "id"]
    chosen = ", ".join(given.get(name, f"template.{name}") for name in columns)
    return (
        f"INSERT INTO inspections ({', '.join(columns)}) {_NUMBERS[kind]}"
        f"SELECT {chosen} FROM numbers JOIN parts ON parts.name = 'old-part-' || i JOIN"
        f" (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS place_count FROM"
        f" (SELECT * FROM inspections ORDER BY id LIMIT :template_count) AS posted) AS template"
        f" ON template.place = numbers.i % template.place_count"
    )


def driver_url(address: str) -> URL:
    """A database's address with the driver that is installed for it."""
    url = make_url(address)
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
