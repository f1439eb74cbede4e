from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dataflow.modelling.environment import dbt_environment, dbt_flags
from dataflow.modelling.parser_process import ParserProcess
from kit.models import write_models
from kit.project import Project


@pytest.mark.slow
def test_a_process_that_was_killed_is_told_and_the_next_question_is_answered(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", dbt=True)
    workflow, settings = write_models(project), project.settings()
    write_models(project)
    project.write_file(
        "dbt/models/shop/_sources.yml",
        "sources: [{name: staging, schema: staging_shop, tables: [{name: events}]}]",
    )
    request = {
        "env": dbt_environment(settings, workflow),
        "flags": [*dbt_flags(settings), "--target-path", str(tmp_path), "--log-path", str(tmp_path)],
    }

    with ParserProcess() as parser:
        before = parser.ask(request)
        os.kill(parser.pid, signal.SIGKILL)
        killed = parser.ask(request)
        after = parser.ask(request)

    assert (None, None) == (before, after)
    assert str(killed).startswith("dbt ended without an answer, exit code -9")
