from __future__ import annotations

import pytest

from dataflow.scaffold.create import source_kinds
from dataflow.testing.fake_api import FakeApi
from kit.program import program_in
from kit.project import Project


@pytest.mark.slow
@pytest.mark.parametrize("kind", source_kinds())
def test_a_new_workflow_is_valid_and_runs_green_untouched(kind: str, project: Project) -> None:
    dataflow = program_in(Project(project.root, dbt=True).root)

    made = dataflow("workflow", "init", "parcels", "--source", kind)
    valid = dataflow("config", "validate", "parcels")
    with FakeApi() as api:  # an API needs somebody who answers
        record = {"event_id": 1, "kind": "a", "happened_at": "2025-01-05T09:30:00Z"}
        api.answer("/v1/events", {"items": [record]})
        api.answer("/v1/events", {"items": []})
        run = dataflow("workflow", "run", "parcels", "--show", "3", PARCELS_API=api.url)

    assert [0, 0, 0] == [made.code, valid.code, run.code], made.err + valid.out + run.err
    assert "created include/workflows/parcels/config.yaml" in made.out
    assert "parcels succeeded in its sandbox" in run.out


def test_a_folder_that_is_there_is_wrong_input(project: Project) -> None:
    project.write_workflow("parcels")

    answer = program_in(project.root)("workflow", "init", "parcels")

    assert 1 == answer.code
    assert "include/workflows/parcels is there already; choose another name" in answer.err


@pytest.mark.slow
def test_the_tests_of_a_new_api_workflow_are_green_untouched(project: Project) -> None:
    dataflow = program_in(Project(project.root, dbt=True).root)

    made = dataflow("workflow", "init", "parcels", "--source", "api", "--url", "https://api.shop.example/v2/orders?a=1")
    tested = dataflow("workflow", "test", "parcels", DATAFLOW_ALLOWED_HOSTS="")

    assert (0, 0) == (made.code, tested.code), made.err + tested.out + tested.err
    source = project.workflow("parcels").spec.sources["orders"]
    assert "${PARCELS_API:-https://api.shop.example}/v2/orders?a=1" == getattr(source, "url", None)


@pytest.mark.parametrize("url", ["api.example.com/x", "https://ada:pw@api.example.com/x", "https://a.example/{{ x }}"])
def test_what_is_no_address_is_wrong_input(project: Project, url: str) -> None:
    answer = program_in(project.root)("workflow", "init", "parcels", "--source", "api", "--url", url)

    assert 1 == answer.code
    assert "an address is like https://api.example.com/v1/events" in answer.err.replace("\n", " ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        (
            "database",
            "--url",
            "postgresql://ada:geheim@db.example.com:5433/shop?sslmode=require",
            "--table",
            "x.Orders",
        ),
        ("file", "--url", "s3://aws@inbox/orders/orders.parquet"),
        ("file", "--url", "https://data.example.com/orders.csv.gz?a=1"),
    ],
)
def test_a_new_workflow_of_an_address_is_valid_and_tested_untouched(
    project: Project, arguments: tuple[str, ...]
) -> None:
    dataflow = program_in(Project(project.root, dbt=True).root)

    made = dataflow("workflow", "init", "parcels", "--source", *arguments)
    valid = dataflow("config", "validate", "parcels")
    tested = dataflow("workflow", "test", "parcels", DATAFLOW_ALLOWED_HOSTS="")

    assert [0, 0, 0] == [made.code, valid.code, tested.code], made.err + valid.out + tested.out + tested.err
    assert "orders" in project.workflow("parcels").spec.sources
    written = "".join(file.read_text() for file in project.folder("parcels").rglob("*.*") if file.suffix != ".parquet")
    assert "geheim" not in written + made.out
    assert "ada" not in written


def test_the_login_of_a_database_stays_in_a_variable(project: Project) -> None:
    project = Project(project.root, dbt=True)
    url = "postgresql://ada:geheim@db.example.com/shop"

    made = program_in(project.root)("workflow", "init", "parcels", "--source", "database", "--url", url)

    source = project.workflow("parcels").spec.sources["events"]
    assert "${PARCELS_DB_URL}" == getattr(source, "url", None)
    assert "PARCELS_DB_URL=postgresql://user:password@db.example.com/shop" in made.out


def test_the_url_of_a_file_here_is_its_path(project: Project) -> None:
    project = Project(project.root, dbt=True)
    file = project.write_file("orders.csv", "order_id,amount\n1,2.5\n")

    made = program_in(project.root)("workflow", "init", "parcels", "--source", "file", "--url", str(file))

    assert 0 == made.code, made.err
    assert ["order_id", "amount"] == list(project.workflow("parcels").spec.sources["orders"].columns)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("database", "--url", "db.example.com/geheim"), "--url: a database is like postgresql://"),
        (("database", "--url", "postgresql://ada:geheim@host"), "--url: a database is like postgresql://"),
        (("database", "--table", "a b"), "--table a b: a table is like orders or public.orders"),
        (("file", "--url", "https://ada:geheim@host/a.csv"), "no file's address, or one with a login"),
        (("file", "--url", "https://host/a.xlsx"), "which format is that?"),
        (("mock", "--url", "https://host/a.csv"), "--url is for --source api, database and file"),
        (("file", "--table", "orders"), "--table is for --source database"),
    ],
)
def test_an_address_that_fits_no_source_is_wrong_input(project: Project, arguments: tuple[str, ...], told: str) -> None:
    answer = program_in(project.root)("workflow", "init", "parcels", "--source", *arguments)

    assert 1 == answer.code
    assert told in " ".join(answer.err.split())
    assert "geheim" not in answer.err
