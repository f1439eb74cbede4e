"""SQL of authors, attacked: it reads the run's own tables, and reaches no file, network, variable or setting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dataflow.cli.commands.query import read_rows
from dataflow.duckdb_memory import Memory
from dataflow.errors import InputError
from dataflow.queries import CLOSED, run_single, single_select
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.snapshot import publish
from kit.warehouse import House

MEMORY = Memory(256_000_000)
ATTACKS = [
    "COPY (SELECT 1) TO '{secret}/out.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "EXPORT DATABASE '{secret}/dump'",
    "IMPORT DATABASE '{secret}'",
    "ATTACH '{secret}/db.duckdb'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_text('{secret}/a.csv')",
    "SELECT * FROM read_blob('{secret}/a.csv')",
    "SELECT * FROM read_json('/proc/self/environ')",
    "SELECT * FROM '{secret}/a.csv'",
    "SELECT * FROM read_csv('{scratch}/../secret/a.csv')",
    "SELECT * FROM read_csv('{scratch}/link_to_file.csv')",
    "SELECT * FROM read_csv('{scratch}/link_to_folder/a.csv')",
    "SELECT * FROM read_csv('{scratch}_beside/a.csv')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_csv('http://127.0.0.1:9/a.csv')",
    "SELECT * FROM 's3://bucket/a.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret}/a.duckdb_extension'",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET GLOBAL allowed_directories = ['/']",
    "SET lock_configuration = false",
    "PRAGMA temp_directory='/tmp'",
    "SET temp_directory = '/tmp'",
    "SET home_directory = '/'",
    "SET file_search_path = '/etc'",
    "SELECT getenv('DATAFLOW_TEST_TOKEN')",
    "SELECT * FROM local_frame",
    "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')",
    "SELECT * FROM sqlite_scan('{secret}/ops.db', 't')",
]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A secret beside the scratch folder, with links to it from within."""
    monkeypatch.setenv("DATAFLOW_TEST_TOKEN", "geheim")
    scratch, secret, beside = tmp_path / "scratch", tmp_path / "secret", tmp_path / "scratch_beside"
    for folder in (scratch, secret, beside):
        folder.mkdir()
        (folder / "a.csv").write_text("k\ngeheim\n")
    duckdb.connect(str(secret / "db.duckdb")).close()
    (scratch / "link_to_folder").symlink_to(secret)
    (scratch / "link_to_file.csv").symlink_to(secret / "a.csv")
    before = sorted(secret.iterdir())
    yield {"scratch": str(scratch), "secret": str(secret)}
    assert before == sorted(secret.iterdir())


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_scratch_connection_lets_nothing_out(places: dict[str, str], attack: str):
    import pandas as pd

    local_frame = pd.DataFrame({"k": ["geheim"]})
    with (
        open_scratch(Path(places["scratch"]), memory=MEMORY, views={}) as connection,
        pytest.raises(duckdb.Error) as refused,
    ):
        connection.execute(attack.format(**places)).fetchall()

    assert "geheim" not in str(refused.value)
    assert len(local_frame) == 1


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if "sniff_csv" not in attack])
def test_where_sql_is_only_looked_at_nothing_is_opened_either(places: dict[str, str], attack: str):
    """`config validate` and `workflow explain` describe queries, for which DuckDB opens what they name."""
    local_frame = [1]
    with duckdb.connect(config=CLOSED) as connection, pytest.raises(duckdb.Error) as refused:
        connection.execute(f"DESCRIBE {attack.format(**places)}" if attack.startswith("SELECT") else attack)

    assert "geheim" not in str(refused.value)
    assert local_frame == [1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_dataflow_query_reads_published_tables_alone(house: House, places: dict[str, str], attack: str):
    house.load("SELECT 1 AS id")
    publish(house.settings, "shop", tables=["orders"], run_id="r1")

    with pytest.raises(InputError) as refused:
        read_rows(house.settings, "shop", attack.format(**places))
    assert "geheim" not in str(refused.value)
    assert [{"id": 1}] == read_rows(house.settings, "shop", "SELECT * FROM orders")


@pytest.mark.parametrize(
    "sql", ["SELECT 1; DROP TABLE t", "DROP TABLE t", "SET threads = 1", "CALL pragma_version()", ""]
)
def test_a_check_is_one_select(sql: str):
    with duckdb.connect() as connection, pytest.raises(ValueError, match="exactly one SELECT"):
        single_select(connection, sql)


def test_an_expression_cannot_bring_a_second_statement():
    with duckdb.connect() as connection, pytest.raises(ValueError, match="semicolon"):
        run_single(connection, "SELECT 1; CREATE TABLE t AS SELECT 1")
