from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from dataflow.errors import InputError
from dataflow.scaffold.create import create_workflow, source_kinds
from dataflow.scaffold.new_workflow import NewWorkflow
from kit.ingest import ingest_source
from kit.project import Project


def new(name: str = "parcels", kind: str = "file", path: Path | None = None) -> NewWorkflow:
    return NewWorkflow(name=name, kind=kind, owner="logistics", path=path)


@pytest.mark.parametrize("kind", source_kinds())
def test_what_is_made_has_config_modules_three_tests_and_a_model(project: Project, kind: str) -> None:
    files = create_workflow(project.settings(), new(kind=kind))

    assert all((project.root / file).is_file() for file in files)
    assert 3 == len([file for file in files if "/tests/test_" in file])
    assert 2 == len([file for file in files if file.startswith("dbt/models/parcels/")])
    assert ("include/workflows/parcels/ingestion.py" in files) == (kind == "python")
    assert project.workflow("parcels").models


def test_the_config_names_the_schema_for_editors(project: Project) -> None:
    create_workflow(project.settings(), new())

    first = (project.folder("parcels") / "config.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert "# yaml-language-server: $schema=../../dataflow/workflow.schema.json" == first


def test_the_columns_of_a_file_are_those_that_are_declared(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "2024 Orders!.csv"
    file.write_text('Order Date;"Who ""x""";order\n01/02/2025;a;1\n;c;2\n13/02/2025;d;3\n', encoding="utf-8")

    create_workflow(project.settings(), new(path=file))

    source = project.workflow("parcels").spec.sources["file_2024_orders"]
    assert {"Order Date": "DATE", 'Who "x"': "VARCHAR", "order": "BIGINT"} == {
        name: column.type for name, column in source.columns.items()
    }
    assert (project.folder("parcels") / "data" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["12345678901234567890", "12345678901234567891"], "HUGEINT"),
        (["-12345678901234567890", "7"], "HUGEINT"),
        (["1234567890123456789.25", "1.5"], "DECIMAL(38,2)"),
        (["1234567890123456789012345678901234567890", "1.5"], "VARCHAR"),
        (["1.5", "0.30000000000000004", "1e300", "2.50"], "DOUBLE"),
        (["1234567890123456", "1.0"], "DOUBLE"),
    ],
)
def test_no_digit_of_a_csv_is_lost_to_the_type_that_is_declared(
    project: Project, tmp_path: Path, values: list[str], kind: str
) -> None:
    file = tmp_path / "accounts.csv.gz"
    file.write_bytes(gzip.compress("\n".join(["account;customer", *(f"{value};7" for value in values), ""]).encode()))

    create_workflow(project.settings(), new(path=file))

    columns = project.workflow("parcels").spec.sources["accounts"].columns
    assert {"account": kind, "customer": "BIGINT"} == {name: column.type for name, column in columns.items()}


def test_a_first_line_of_numbers_alone_is_a_row(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("1,2025-01-01,3.5\n2,2025-01-02,4.5\n", encoding="utf-8")

    create_workflow(project.settings(), new(path=file))

    source = project.workflow("parcels").spec.sources["orders"]
    assert {"header": False} == source.options
    assert ["BIGINT", "DATE", "DOUBLE"] == [column.type for column in source.columns.values()]
    config = (project.folder("parcels") / "config.yaml").read_text(encoding="utf-8")
    assert "header: false  # its first line has numbers alone; if they are names, remove this" in config
    manifest = ingest_source(project.folder("parcels"), source.model_dump(exclude_unset=True))
    assert 2 == manifest.rows


@pytest.mark.parametrize("form", ["json", "ndjson", "parquet", "csv.gz"])
def test_every_format_is_read(project: Project, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"orders.{form}"
    rows = "(values (1, timestamptz '2025-01-01 00:00:00Z')) as rows(id, moment)"
    if form == "csv.gz":
        file.write_bytes(gzip.compress(b"id,moment\n1,2025-01-01T00:00:00Z\n"))
    else:
        array = ", array true" if form == "json" else ""
        kind = "parquet" if form == "parquet" else f"json{array}"
        duckdb.connect().execute(f"copy (from {rows}) to '{file}' (format {kind})")

    create_workflow(project.settings(), new(path=file))

    assert {"id", "moment"} == set(project.workflow("parcels").spec.sources["orders"].columns)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Parcels", "lower case letters, digits and _, from a letter on, 2 to 63 long"),
        ("x", "2 to 63 long"),
        ("../etc", "cannot name a workflow"),
        ("parcels\n", "cannot name a workflow"),
        ("main", "is a schema of DuckDB"),
        ("staging_parcels", "begins with `staging_`"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_rule(project: Project, name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        create_workflow(project.settings(), new(name))

    assert [] == list(project.workflows.iterdir())


@pytest.mark.parametrize("there", ["include/workflows/parcels/notes.txt", "dbt/models/parcels/a.sql"])
def test_what_is_there_stays_as_it_is(project: Project, there: str) -> None:
    file = project.write_file(there, "mine")

    with pytest.raises(InputError, match=f"{Path(there).parent.as_posix()} is there already"):
        create_workflow(project.settings(), new())

    assert "mine" == file.read_text(encoding="utf-8")
    assert [file] == [each for each in project.root.rglob("*") if each.is_file()]


def test_an_unknown_kind_tells_what_there_is(project: Project) -> None:
    with pytest.raises(InputError, match="there is api, database, file, mock, python"):
        create_workflow(project.settings(), new(kind="carrier_pigeon"))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("orders.xlsx", "x", "which format is that"),
        ("orders.csv", "id,at\n", "has no rows"),
        ("orders.csv", "id,at\n1,\n,2\n", "no column has a value in every row"),
        ("orders.json", "{", "cannot be read"),
        ("orders.csv", "", "orders.csv has no rows"),
        ("orders.csv", "\n\n", "orders.csv has no rows"),
        ("orders.csv", "a,a,b\n1,2,3\n", "its header has 'a' more than once, .* give each a name of its own"),
        ("orders.csv", "id,gr\udcf6\n1,2\n", "orders.csv is not UTF-8; .*encoding: latin-1"),
        ("orders.csv", "id,name\n1,gr\udcf6\n", "orders.csv is not UTF-8; .*encoding: latin-1"),
    ],
)
def test_a_file_that_is_no_use_leaves_nothing_behind(
    project: Project, tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(InputError, match=told) as caught:
        create_workflow(project.settings(), new(path=tmp_path / name))

    assert "ignore_errors" not in str(caught.value)

    assert [] == list(project.workflows.iterdir())
