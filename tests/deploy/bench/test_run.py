"""The whole benchmark on a tiny student: real service, real load, a database made big."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from deploy.bench.__main__ import app
from deploy.bench.big import PAGES
from deploy.bench.rows import add_rows
from inspection.errors import ConfigError
from tests.bundles import make_bundle


# It starts two services and a dozen short programs: a busy machine takes its time.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_measures_and_counts_what_is_stored(tmp_path: Path, kind: str) -> None:
    make_bundle(tmp_path / "bundle")
    words = ["--bundle", str(tmp_path / "bundle"), "--data", str(tmp_path / "work"), "--only", kind]
    answer = CliRunner().invoke(app, [*words, "--duration", "2", "--posts", "20", "--rows", "500"])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout.splitlines()[-1])[kind]
    assert figures["stored"] == figures["acknowledged"] > 20
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]
    details = json.loads((tmp_path / "work" / "figures.json").read_text())[kind]
    assert [level["connections"] for level in details["levels"]] == [1, 4, 16, 64]
    assert details["big"]["row_count"] == 500
    assert set(details["big"]["pages_ms"]) == set(PAGES)
    if kind == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'work' / kind / 'kensa.db'}")
        with engine.connect() as connection:
            old = connection.scalar(text("SELECT count(*) FROM inspections WHERE trigger_id LIKE 'old-%'"))
        assert old == 500
        with pytest.raises(Exception, match="UNIQUE"):
            add_rows(engine.url, 1)
        engine.dispose()


def test_an_unknown_database_is_one_line() -> None:
    answer = CliRunner().invoke(app, ["--only", "oracle"])
    assert isinstance(answer.exception, ConfigError)
    assert "oracle is not supported" in str(answer.exception)
