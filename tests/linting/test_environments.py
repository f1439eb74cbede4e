"""What is said of environments that are not in force."""

from __future__ import annotations

from dataflow.linting.lint import lint
from kit.project import Project


def told(project: Project, environment: str, *names: str) -> list[str]:
    """Lint as where ``DATAFLOW_ENVIRONMENT`` says so."""
    settings = project.settings().model_copy(update={"environment": environment})
    return [str(each) for each in lint(project.registry(), settings, variables={}, names=names or None)]


def test_an_environment_that_any_workflow_knows_is_spelled_well(project: Project) -> None:
    for name, environment in (("ant", "test"), ("bee", "test2")):
        project.write_workflow(name)
        project.write_file(f"include/workflows/{name}/config.{environment}.yaml", "retries: 3\n")

    assert [] == told(project, "test")
    assert [] == told(project, "")
    assert [] == told(project, "production-of-another-house")
    assert ["did you mean 'test'?", "did you mean 'test2'?"] == [
        each.rpartition("; ")[2] for each in told(project, "tst")
    ]


def test_a_broken_environment_is_told_once_and_of_the_named_workflows_only(project: Project) -> None:
    for name in ("ant", "bee"):
        project.write_workflow(name)
        project.write_file(f"include/workflows/{name}/config.prod.yaml", "retries: many\n")

    [only] = told(project, "", "bee")

    assert only.startswith("include/workflows/bee/config.prod.yaml:1:10: retries: ")
    assert only.endswith("(in the environment prod)")
