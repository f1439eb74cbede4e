"""How far models of dbt reach: real builds of models that try the machine's files, the network and the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dataflow.duckdb_extensions import extension_file, load_extension
from dataflow.ducklake import DuckLake
from dataflow.modelling.build import DbtOutcome, build_models
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.dbt.reach import SETTING, explain_refusal, refuse_detour
from kit.models import dbt_project, write_models
from kit.project import Project
from kit.store import Bucket, bucket
from kit.warehouse import day

WAY_OUT = f"let {SETTING} name the file, folder or address"
PYTHON = "def model(dbt, session):\n    return "
MODELS = {
    "reads_a_file.sql": "select * from read_csv('/etc/passwd')",
    "reads_run_history.sql": "select * from read_blob('{root}/.dataflow/ops.db')",
    "reads_a_landing.sql": "select * from read_parquet('{root}/.dataflow/landing/**/*.parquet')",
    "lists_files.sql": "select * from glob('/etc/*')",
    "copies_out.sql": "{{{{ config(post_hook=\"copy (select 1) to '{root}/elsewhere/o.csv'\") }}}} select 1 as a",
    "exports.sql": "{{{{ config(pre_hook=\"export database '{root}/elsewhere/dump'\") }}}} select 1 as a",
    "is_external.sql": "{{{{ config(materialized='external', location='{root}/elsewhere/e.csv') }}}} select 1 as a",
    "attaches.sql": "{{{{ config(pre_hook=\"attach '{root}/elsewhere/a.duckdb' as a\") }}}} select 1 as a",
    "loads.sql": "{{{{ config(pre_hook=\"load '{extension}'\") }}}} select 1 as a",
    "asks_the_web.sql": "select * from read_csv('http://127.0.0.1:9/a.csv')",
    "asks_a_bucket.sql": "select * from read_csv('s3://elsewhere/a.csv')",
    "is_python.py": PYTHON + "session.sql(\"select * from read_csv('/etc/passwd')\")",
}
SETTINGS = {
    "opens_itself.sql": "set enable_external_access = true",
    "allows_itself.sql": "set allowed_directories = ['/']",
    "unlocks_itself.sql": "reset lock_configuration",
    "asks_through_a_proxy.sql": "set http_proxy = '127.0.0.1:9'",
    "logs.sql": "set profiling_output = '/tmp/profile.json'",
}
OF_LAKES = {
    "asks_the_catalog.sql": "select * from postgres_query('__ducklake_metadata_warehouse', 'select 1')",
    "asks_a_server.sql": "select * from postgres_scan('host=127.0.0.1', 'public', 'runs')",
    "reads_the_catalog.sql": 'select * from "__DuckLake_metadata_warehouse".pg_catalog.pg_class',
    "moves_into_the_catalog.sql": "{{ config(pre_hook=\"set search_path = '__duck' || 'lake'\") }} select 1 as a",
    "takes_a_name_from_text.sql": "select * from query_table('__duck' || 'lake_metadata_warehouse.public.a')",
    "makes_a_secret.sql": "{{ config(pre_hook=\"create secret s (type s3, endpoint '127.0.0.1:9')\") }} select 1 as a",
    "drops_a_secret.sql": '{{ config(pre_hook="drop secret dataflow_catalog") }} select 1 as a',
}


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture(params=["file", *(pytest.param(kind, marks=pytest.mark.postgres) for kind in ("lake", "bucket"))])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project whose warehouse is a file, a DuckLake in a folder, and one in a bucket."""
    data = request.getfixturevalue("store").place("lake") if request.param == "bucket" else None
    with dbt_project(tmp_path / "project", is_lake=request.param != "file", data=data) as made:
        yield made


def built(project: Project, models: dict[str, str], *, may_reach: str = "") -> DbtOutcome:
    """Build a workflow of these models and no others."""
    workflow = write_models(project, "shop", dbt={"tests": "none"})
    for file in (project.root / "dbt/models/shop").iterdir():
        file.unlink()
    for name, text in models.items():
        project.write_file(f"dbt/models/shop/{name}", text)
    with (project.root / ".env").open("a") as file:
        file.write(f"{SETTING}={may_reach}\n")
    settings = project.settings()
    create_warehouse(settings, ["shop"])
    return build_models(settings, workflow, window=day(0), run_id="r1")


def in_hook(statement: str) -> str:
    return f'{{{{ config(pre_hook="{statement}") }}}} select 1 as a'


@pytest.mark.slow
def test_models_build_in_the_warehouse_and_reach_nothing_else(project: Project) -> None:
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    given = {"root": project.root, "extension": extension_file("sqlite_scanner")}
    too_far = {name: text.format(**given) for name, text in MODELS.items()}
    settings = {name: in_hook(statement) for name, statement in SETTINGS.items()}
    is_lake = isinstance(project.settings().warehouse, DuckLake)
    around = OF_LAKES if is_lake else {}
    honest = {
        "fruit.csv": "name\npear\n",
        "many.sql": "select i from range(200000) t(i)",
        "viewed.sql": "{{ config(materialized='view', pre_hook='set threads = 2') }} select * from {{ ref('fruit') }}",
        "totals.py": "def model(dbt, session):\n    return dbt.ref('many').aggregate('sum(i)::bigint as total').df()",
    }

    outcome = built(project, {**too_far, **settings, **around, **honest})

    told = {node.name: node for node in outcome.nodes}
    failed = {name for name, node in told.items() if node.status == "failed"}
    assert {Path(name).stem for name in (*too_far, *settings, *around)} == failed
    for name in (*too_far, *around):
        assert WAY_OUT in told[Path(name).stem].message, name
    for name in settings:
        assert "settings of how far SQL reaches are fixed" in told[Path(name).stem].message, name
    assert 'cannot access "/etc/passwd": SQL of dbt models reaches the warehouse' in told["reads_a_file"].message
    assert "models/shop/reads_a_file.sql" in told["reads_a_file"].message
    assert [] == list(elsewhere.iterdir())
    with open_warehouse(project.settings(), purpose="test") as connection:
        assert [("pear",)] == connection.execute("FROM shop.fruit").fetchall()
        assert [(19_999_900_000,)] == connection.execute("FROM shop.totals").fetchall()
        file = elsewhere / "ours.csv"
        connection.execute(f"COPY (SELECT 1) TO '{file}'")  # after dbt, the warehouse is open to our own code again
        assert file.exists()


@pytest.mark.slow
def test_models_reach_what_the_house_names(tmp_path: Path, store: Bucket) -> None:
    project = Project(tmp_path / "project", dbt=True)
    project.write_file("reference/rates.csv", "rate\n1\n")
    project.write_file("single.csv", "rate\n2\n")
    store.put("reference/rates.csv", "rate\n3\n")
    read = "select rate from read_csv('{}')"
    models = {
        "of_folder.sql": read.format(project.root / "reference/rates.csv"),
        "of_file.sql": read.format(project.root / "single.csv"),
        "of_bucket.sql": read.format(f"s3://{store.name}/reference/rates.csv"),
        "beside.sql": read.format(f"s3://{store.name}/other/rates.csv"),
        "with_a_secret.sql": in_hook("create secret mine (type s3, endpoint '127.0.0.1:9')"),
        "sees_secrets.sql": "select string_agg(s::varchar) as rate from duckdb_secrets() s",
    }

    outcome = built(project, models, may_reach=f"reference, single.csv, {store.place('reference')}")

    assert {"beside", "with_a_secret"} == {node.name for node in outcome.nodes if node.status == "failed"}
    with open_warehouse(project.settings(), purpose="test") as connection:
        rows = connection.execute("FROM shop.of_folder UNION FROM shop.of_file UNION FROM shop.of_bucket").fetchall()
        seen = connection.execute("FROM shop.sees_secrets").fetchall()
    assert [(1,), (2,), (3,)] == sorted(rows)
    assert "key_id" in str(seen)
    assert "a-secret-key" not in str(seen)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from postgres_query('x', 'y')",
        "select * from system.main.\"Postgres_Query\" /* c */ ('x', 'y')",
        "select * from postgres_query -- c\n ('x', 'y')",
        "from query('select 1')",
        "use __ducklake_metadata_warehouse",
        "SET SESSION search_path = E'\\x5f'",
        "create or replace temp secret a (type s3)",
        "select 1; drop persistent /* c */ secret a",
    ],
)
def test_a_lakes_models_take_no_detour(sql: str) -> None:
    with pytest.raises(duckdb.PermissionException, match="SQL of dbt models reaches the warehouse"):
        refuse_detour(sql, of_lake=True)


@pytest.mark.parametrize(
    "sql",
    [
        "select 'postgres_query(1)', \"secret\" from query -- create secret\n",
        'insert into "warehouse"."shop"."query" ("a", "b") select 1, 2',
        "create table secret as select query, 'drop secret x' as it from t",
        "select 'it is not closed",
    ],
)
def test_other_statements_of_a_lakes_models_pass(sql: str) -> None:
    refuse_detour(sql, of_lake=True)


def test_every_function_that_asks_a_server_is_known() -> None:
    """Those that the installed extension brings; a newer one may bring others."""
    names = "SELECT function_name FROM duckdb_functions()"
    with duckdb.connect() as connection:
        before = set(connection.execute(names).fetchall())
        load_extension(connection, "postgres_scanner")
        brought = {str(name) for (name,) in set(connection.execute(names).fetchall()) - before}
    of_texts = {"postgres_hstore_get", "postgres_hstore_to_json"}

    for name in brought - of_texts:
        with pytest.raises(duckdb.PermissionException):
            refuse_detour(f"select * from {name}('x')", of_lake=True)


def test_another_permission_that_is_missing_is_told_as_it_is() -> None:
    assert "" == explain_refusal("IO Error: Permission denied")
