"""The migrations make what the models say, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from inspection.errors import StorageError
from service.db.engine import Database
from service.db.metadata import all_tables
from service.db.migrate import configuration, upgrade
from service.db.tables import StoredInspection


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(make_url(database_url))
    yield database
    database.close()


def test_models_and_migrations_agree(database: Database) -> None:
    upgrade(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, all_tables()) == []
        assert set(inspect(connection).get_table_names()) == set(all_tables().tables) | {"alembic_version"}


def test_constraints_have_the_names_of_the_models(database: Database) -> None:
    upgrade(database)
    with database.engine.connect() as connection:
        found = inspect(connection)
        for table in all_tables().tables.values():
            kept = {found.get_pk_constraint(table.name)["name"]}
            kept |= {constraint["name"] for constraint in found.get_unique_constraints(table.name)}
            kept |= {constraint["name"] for constraint in found.get_foreign_keys(table.name)}
            kept |= {constraint["name"] for constraint in found.get_check_constraints(table.name)}
            assert kept == {constraint.name for constraint in table.constraints}


def test_upgrading_again_and_at_once_changes_nothing(database: Database) -> None:
    with ThreadPoolExecutor(4) as replicas:
        list(replicas.map(lambda _: upgrade(database), range(4)))
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_the_way_back(database: Database) -> None:
    upgrade(database)
    with database.migrating() as connection:
        command.downgrade(configuration(connection), "base")
    with database.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    upgrade(database)


def test_a_newer_database_is_left_alone(database: Database) -> None:
    upgrade(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer"):
        upgrade(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_the_database_itself_refuses_a_fourth_verdict(database: Database) -> None:
    upgrade(database)
    row = "INSERT INTO dispositions (inspection_id, decision, reviewer, decided_at) VALUES (1, '{}', 'a', '2026-01-01')"
    for decision in ("maybe", "unclear"):
        # The second is refused too: it is about an inspection that is not there.
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(text(row.format(decision)))


def test_a_record_of_the_first_version_comes_along(database: Database) -> None:
    with database.migrating() as connection:
        command.upgrade(configuration(connection), "0001")
    seen = "'2026-01-01 00:00:00'"
    with database.engine.begin() as connection:
        for table in ("stations", "lots", "parts"):
            connection.execute(text(f"INSERT INTO {table} (id, name, first_seen_at) VALUES (1, 'a', {seen})"))
        columns = (
            "id, station_id, part_id, lot_id, trigger_id, received_at, verdict, reason, detail, local_pass_limit, "
        )
        columns += (
            "local_fail_limit, global_pass_limit, global_fail_limit, regions, bundle_id, image_sha256, timings_ms"
        )
        values = f"7, 1, 1, 1, 't', {seen}, 'PASS', 'normal', '-', 1, 2, 1, 2, '[]', 'bundle-0', 'abc', '{{}}'"
        connection.exec_driver_sql(f"INSERT INTO inspections ({columns}) VALUES ({values})")
        connection.execute(
            text(
                "INSERT INTO dispositions (inspection_id, decision, reviewer, decided_at) "
                f"VALUES (7, 'unclear', 'a', {seen})"
            )
        )
    upgrade(database)
    with database.reading() as session:
        row = session.get_one(StoredInspection, 7)
        assert (row.trigger_id, row.image_number, row.profile_version, row.arrived_late) == ("t", 1, 0, False)
        assert (row.image_sha256, row.crop, row.images_removed_at) == ("abc", None, None)
        assert session.scalar(text("SELECT count(*) FROM dispositions WHERE inspection_id = 7")) == 1
