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
