"""What is wrong with a call or its machine is told in a line, with the exit code that says whose turn it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.program import Program, program_in
from kit.project import Project


@pytest.mark.parametrize("command", [("config", "validate"), ("dbt", "compile"), ("workflow", "init", "orders")])
def test_a_named_project_that_is_none_is_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    nowhere = tmp_path / "nowhere"

    answer = program_in(tmp_path)(*command, DATAFLOW_PROJECT=str(nowhere))

    assert 1 == answer.code
    assert f"DATAFLOW_PROJECT={nowhere}: is no project, for it holds no folder include/workflows\n" == answer.err
    assert not nowhere.exists()


@pytest.mark.parametrize(
    "command",
    [
        ("config", "validate", "--nonsense"),
        ("nonsense",),
        ("query", "events"),
        ("workflow", "run", "events", "--show", "-1"),
        ("runs", "list", "--limit", "many"),
    ],
)
def test_a_wrong_call_is_wrong_input(project: Project, dataflow: Program, command: tuple[str, ...]) -> None:
    project.write_workflow("events")

    answer = dataflow(*command)

    assert 1 == answer.code
    assert "Usage: " in answer.err


@pytest.mark.parametrize("given", [("--from-step", ""), ("--window", ""), ("--param", "")])
@pytest.mark.parametrize("where", [(), ("--live",)])
def test_an_empty_word_is_no_word(
    project: Project, dataflow: Program, where: tuple[str, ...], given: tuple[str, str]
) -> None:
    project.write_workflow("events")

    answer = dataflow("workflow", "run", "events", *where, *given)

    assert 1 == answer.code
    assert given[0] in answer.err
    assert [] == dataflow("runs", "list", "--json").json


@pytest.mark.parametrize(
    "address", ["foo", "postgres://me:secret@host/db", "mysql://me:secret@host/db", "postgresql+nodriver://host/db"]
)
def test_an_address_that_run_history_cannot_have_is_told_with_those_it_can(
    project: Project, dataflow: Program, address: str
) -> None:
    project.write_workflow("events")

    answer = dataflow("runs", "list", DATAFLOW_OPS=address)

    assert 1 == answer.code
    assert answer.err.startswith("DATAFLOW_OPS is no address of run history; write sqlite:///")
    assert 1 == len(answer.err.splitlines())
    assert "secret" not in answer.err


def test_a_warehouse_that_is_no_database_is_told_with_its_file(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    file = project.write_file("notes.txt", "x" * 10_000)

    answer = dataflow("workflow", "run", "events", "--live", DATAFLOW_WAREHOUSE=str(file))

    assert 2 == answer.code
    assert f"DATAFLOW_WAREHOUSE={file}: cannot be opened as a DuckDB file" in answer.err
    assert "Traceback" not in answer.err


def test_a_setting_is_refused_in_plain_words(project: Project, dataflow: Program) -> None:
    answer = dataflow("config", "settings", DATAFLOW_MEMORY="much")

    assert (1, "DATAFLOW_MEMORY: 'much' is no size; write a number and a unit, like 512MB or 2GB\n") == (
        answer.code,
        answer.err,
    )


def test_a_full_disk_below_standard_output_is_told(project: Project) -> None:
    project.write_workflow("events")

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dataflow", "workflow", "list", "--json"],
            check=False,
            cwd=project.root,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert (2, "standard output, or a file, cannot be written: No space left on device\n") == (
        done.returncode,
        done.stderr,
    )


def test_a_reader_that_has_enough_is_no_mistake(project: Project) -> None:
    project.write_workflow("events")
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "dataflow", "workflow", "list", "--json"],
        check=False,
        cwd=project.root,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)

    assert "" == done.stderr


def test_what_the_terminal_cannot_show_is_spelled_out(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    answer = dataflow("query", "events", "select 'Grüße' as x", PYTHONIOENCODING="ascii")

    assert (0, r"Gr\xfc\xdfe") == (answer.code, answer.out.splitlines()[1])


def test_a_folder_that_may_not_be_written_is_named(project: Project, dataflow: Program) -> None:
    project.workflows.rmdir()
    project.workflows.symlink_to("/sys/kernel")  # where even root makes no folder

    answer = dataflow("workflow", "init", "orders", "--source", "mock")

    assert 1 == answer.code
    assert answer.err.startswith(f"{project.workflows}/orders")
    assert "cannot be written: " in answer.err
    assert 1 == len(answer.err.splitlines())


def test_a_source_of_no_workflow_is_refused_as_other_commands_do(project: Project, dataflow: Program) -> None:
    project.write_workflow("events")

    answer = dataflow("source", "sample", "event", "events")

    assert (1, "no workflow 'event'; did you mean 'events'?\n") == (answer.code, answer.err)
