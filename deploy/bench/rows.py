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
# Of fifty parts two are held and one fails, whatever those posted got.
_MIXED = {
    "verdict": "CASE i % 50 WHEN 0 THEN 'FAIL' WHEN 7 THEN 'HOLD' WHEN 31 THEN 'HOLD' ELSE 'PASS' END",
    "reason": "CASE i % 50 WHEN 0 THEN 'local_score_above_fail_limit' WHEN 7 THEN 'local_score_in_hold_band'"
    " WHEN 31 THEN 'global_score_in_hold_band' ELSE 'normal' END",
}
# Of four flagged parts three are decided, as after a good shift; all of them wait where all are held.
_IS_DECIDED = "copies.id % 4 <> 0"
_DECISIONS = "CASE copies.id % 4 WHEN 1 THEN 'confirmed_defect' ELSE 'false_alarm' END"
_DEFECTS = "CASE WHEN copies.id % 4 <> 1 THEN NULL ELSE 'defect-' || (copies.id % 7) END"
_RANKS = "CASE copies.verdict WHEN 'HOLD' THEN 0 ELSE 1 END"
# Of a hundred parts that passed one is drawn, and all of these but every fifth decided.
_DRAWN = "FROM inspections AS copies WHERE copies.trigger_id LIKE 'old-%' AND copies.verdict = 'PASS' AND"
_IS_DRAWN, _IS_CHECKED = "copies.id % 100 = 13", "copies.id / 100 % 5 <> 0"
_IS_AGAIN = "copies.id % 80 = 1"


def add_rows(url: URL, row_count: int, *, all_held: bool = False) -> None:
    """Add `row_count` inspections of as many parts, copies of those posted last but for part, trigger and times.

    Flagged ones were decided, some of them twice, or wait in the queue; some that passed were drawn for a spot check.
    `all_held` makes a queue of `row_count` parts. Columns are read from the database, so that a new column needs
    nothing here. Images are those of the originals.
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
        connection.execute(text(_copying(connection, kind, _HELD if all_held else _MIXED)), values)
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
    """What puts the copies that are flagged or drawn before a person, or says what the person decided."""
    flagged = "FROM inspections AS copies WHERE copies.trigger_id LIKE 'old-%' AND copies.verdict <> 'PASS' AND"
    waits = _waiting("flagged", is_blind=False)
    if all_held:
        return [_inserting(connection, "waiting_parts", waits, f"{flagged} 1 = 1")]
    found = _disposition(_DECISIONS, "first", is_blind=False) | {"defect": _DEFECTS}
    answer = _disposition(_DECISIONS, "repeat", is_blind=True) | {"reviewer": "'bench-' || (copies.id % 2)"}
    checked = _disposition("CASE copies.id / 100 % 41 WHEN 7 THEN 'confirmed_defect' ELSE 'false_alarm' END", "first")
    again = f"{flagged} {_IS_DECIDED} AND {_IS_AGAIN}"
    drawn = f"{_DRAWN} {_IS_DRAWN}"
    return [
        _inserting(connection, "waiting_parts", waits, f"{flagged} NOT ({_IS_DECIDED})"),
        _inserting(connection, "dispositions", found, f"{flagged} {_IS_DECIDED}"),
        _inserting(connection, "spot_checks", _draw("decided", 0.02), again),
        _inserting(connection, "dispositions", answer, again),
        _inserting(connection, "spot_checks", _draw("passed", 0.01), drawn),
        _inserting(connection, "waiting_parts", _waiting("spot_check"), f"{drawn} AND NOT ({_IS_CHECKED})"),
        _inserting(connection, "dispositions", checked, f"{drawn} AND {_IS_CHECKED}"),
    ]


def _waiting(kind: str, *, is_blind: bool = True) -> dict[str, str]:
    return {
        "inspection_id": "copies.id",
        "rank": "0" if is_blind else _RANKS,
        "score": "1.5" if is_blind else "COALESCE(copies.part_score, -1e300)",
        "kind": f"'{kind}'",
        "is_blind": str(is_blind).lower(),
        "suggested_defect": "NULL",
    }


def _disposition(decision: str, occasion: str, *, is_blind: bool = True) -> dict[str, str]:
    return {
        "inspection_id": "copies.id",
        "decision": decision,
        "reviewer": "'bench-' || (copies.id % 3)",
        "decided_at": "copies.received_at",
        "occasion": f"'{occasion}'",
        "is_blind": str(is_blind).lower(),
        "settles": "'[]'",
    }


def _draw(drawn_from: str, probability: float) -> dict[str, str]:
    return {
        "inspection_id": "copies.id",
        "drawn_from": f"'{drawn_from}'",
        "probability": str(probability),
        "drawn_at": "copies.received_at",
    }


def _inserting(connection: Connection, name: str, given: dict[str, str], source: str) -> str:
    table = Table(name, MetaData(), autoload_with=connection)
    columns = [column.name for column in table.columns if column.name in given]
    return f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(given[one] for one in columns)} {source}"


def driver_url(address: str) -> URL:
    """A database's address with the driver that is installed for it."""
    url = make_url(address)
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
