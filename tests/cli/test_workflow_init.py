from __future__ import annotations

import pytest

from dataflow.scaffold.create import source_kinds
from kit.program import program_in
from kit.project import Project


@pytest.mark.slow
@pytest.mark.parametrize("kind", source_kinds())
def test_a_new_workflow_is_valid_and_runs_green_untouched(kind: str, project: Project) -> None:
    dataflow = program_in(Project(project.root, dbt=True).root)

    made = dataflow("workflow", "init", "parcels", "--source", kind)
    valid = dataflow("config", "validate", "parcels")
    run = dataflow("workflow", "run", "parcels", "--show", "3")

    assert [0, 0, 0] == [made.code, valid.code, run.code], made.err + valid.out + run.err
    assert "created include/workflows/parcels/config.yaml" in made.out
    assert "parcels succeeded in its sandbox" in run.out


def test_a_folder_that_is_there_is_wrong_input(project: Project) -> None:
    project.write_workflow("parcels")

    answer = program_in(project.root)("workflow", "init", "parcels")

    assert 1 == answer.code
    assert "include/workflows/parcels is there already; choose another name" in answer.err
