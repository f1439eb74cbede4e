from __future__ import annotations

import json

import pytest

from kit.program import Program, program_in
from kit.project import Project


def test_data_is_shown_as_it_is(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    answer = dataflow(
        "query",
        "events",
        "select 2025 as a_year, 1234567.1234567::double as x, '[red]' as tag, null as none, true as yes",
    )

    assert ["a_year", "x", "tag", "none", "yes"] == answer.out.splitlines()[0].split()
    assert ["2025", "1234567.1234567", "[red]", "NULL", "true"] == answer.out.splitlines()[1].split()


def test_a_workflow_that_is_not_there_is_told_with_the_nearest(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("query", "event", "select 1")

    assert (1, "no workflow 'event'; did you mean 'events'?\n") == (answer.code, answer.err)


def test_a_workflow_without_a_run_is_told_how_to_run_it(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("query", "events", "select 1")

    assert (1, "events has published nothing yet; `dataflow workflow run events --live` does\n") == (
        answer.code,
        answer.err,
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Run ``dataflow ...`` in a project in which `events` has published."""
    project = Project(tmp_path_factory.mktemp("published"))
    project.write_workflow("events")
    program = program_in(project.root)
    program("workflow", "run", "events", "--live", "--window", "2025-01-05")
    return program


def test_columns_of_the_same_name_are_all_shown(published: Program) -> None:
    sql = "select 1 as id, 2 as id, 3 as id_1"

    assert [{"id": 1, "id_1": 2, "id_1_1": 3}] == published("query", "events", sql, "--json").json
    assert ["id", "id_1", "id_1_1", "1", "2", "3"] == published("query", "events", sql).out.split()


def test_the_order_of_the_query_is_kept(published: Program) -> None:
    rows = published("query", "events", "select i from range(9000) t(i) order by i % 7, i desc -- so", "--json").json

    assert sorted(rows, key=lambda row: (row["i"] % 7, -row["i"])) == rows


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("'nan'::double", "NaN"),
        ("'-inf'::float", "-Infinity"),
        ("[1.5::double, 'inf'::double]", [1.5, "Infinity"]),
        ("'infinity'::timestamp", "infinity"),
        ("['-infinity'::date, '9999-12-31'::date]", ["-infinity", "9999-12-31"]),
        (r"'\xAA\x00b'::blob", r"\xAA\x00b"),
        (r"{'raw': ['\xAA'::blob], 'took': interval '90 minutes'}", {"raw": [r"\xAA"], "took": "01:30:00"}),
        ("timestamptz '2025-01-01 12:00:00.5+00'", "2025-01-01 12:00:00.5+00"),
        ("12345678901234.56::decimal(18,2)", "12345678901234.56"),
        ("170141183460469231731687303715884105727", 170141183460469231731687303715884105727),
        ("map {1: [true], 2: null}", {"1": [True], "2": None}),
        ("[1, 2]::integer[2]", [1, 2]),
        ("row(1, 'a')", "(1, a)"),
        ("union_value(n := 2)", "2"),
    ],
)
def test_json_holds_what_the_database_gave(published: Program, sql: str, shown: object) -> None:
    answer = published("query", "events", f"select {sql} as x", "--json")

    assert [{"x": shown}] == json.loads(answer.out, parse_constant=pytest.fail)


def test_a_table_shows_lists_and_structs_as_json(published: Program) -> None:
    answer = published("query", "events", "select {'tags': ['a', null], 'on': true, 'at': date '2025-01-01'} as x")

    assert '{"tags": ["a", null], "on": true, "at": "2025-01-01"}' == answer.out.splitlines()[1]


def test_data_does_not_steer_the_terminal(published: Program) -> None:
    answer = published("query", "events", "select chr(27) || '[31mred' || chr(9) || chr(10) || chr(155) as x")

    assert r"\x1b[31mred\t\n\x9b" == answer.out.splitlines()[1]


def test_an_error_that_quotes_data_does_not_steer_the_terminal(published: Program) -> None:
    answer = published("query", "events", "select (chr(27) || '[31m')::integer")

    assert 1 == answer.code
    assert r"'\x1b[31m'" in answer.err


def test_a_name_between_colons_is_no_smiley(published: Program) -> None:
    answer = published("query", "events", 'select * from "a:smile:b"')

    assert "Table with name a:smile:b" in answer.err


def test_a_mistake_is_shown_at_its_place_in_what_was_written(published: Program) -> None:
    answer = published("query", "events", "select 'many'::integer")

    assert "LINE 2: select 'many'::integer" in answer.err
