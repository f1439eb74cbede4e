from __future__ import annotations

import os
import time

import pytest

from dataflow.errors import ConfigError
from dataflow.loading.load import load_workflow
from kit.effort import effort
from kit.project import Project


def told(project: Project, name: str = "events") -> list[str]:
    begun = time.monotonic()
    with effort() as loading, pytest.raises(ConfigError) as raised:
        load_workflow(project.root, name)

    assert loading.seconds < 1
    assert time.monotonic() - begun < 10, "it waited for something"
    return [str(problem).removeprefix(f"include/workflows/{name}/") for problem in raised.value.problems]


def test_a_directory_in_place_of_the_config_is_told(project: Project) -> None:
    (project.folder("events") / "config.yaml").mkdir(parents=True)

    assert ["config.yaml:1:1: not a file; a directory, pipe or device stands in its place"] == told(project)


def test_a_pipe_in_place_of_the_config_keeps_nobody_waiting(project: Project) -> None:
    project.folder("events").mkdir()
    os.mkfifo(project.folder("events") / "config.yaml")

    assert ["config.yaml:1:1: not a file; a directory, pipe or device stands in its place"] == told(project)


def test_a_pipe_in_place_of_a_module_keeps_nobody_waiting(project: Project) -> None:
    folder = project.write_workflow("events")
    os.mkfifo(folder / "validation.py")

    assert ["validation.py:1:1: not a file; a directory, pipe or device stands in its place"] == told(project)


def test_a_link_out_of_the_project_is_not_followed(project: Project) -> None:
    secret = project.root.parent / "secret.yaml"
    secret.write_text("password: hunter2\n")
    project.folder("events").mkdir()
    (project.folder("events") / "config.yaml").symlink_to(secret)

    assert ["config.yaml:1:1: a symbolic link that leaves the project; put the file itself here"] == told(project)


def test_a_folder_that_links_out_of_the_project_is_not_followed(project: Project) -> None:
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.yaml").write_text("owner: x\n")
    project.folder("events").symlink_to(elsewhere)

    expected = "config.yaml:1:1: its folder is a symbolic link that leaves the project; put it here itself"
    assert [expected] == told(project)


def test_a_link_within_the_project_is_followed(project: Project) -> None:
    folder = project.write_workflow("events")
    (folder / "config.yaml").rename(folder / "..data.yaml")
    (folder / "config.yaml").symlink_to("..data.yaml")

    assert "events" == project.workflow("events").name


def test_a_link_to_nothing_is_told(project: Project) -> None:
    project.folder("events").mkdir()
    (project.folder("events") / "config.yaml").symlink_to("nothing.yaml")

    assert ["config.yaml:1:1: a symbolic link to nothing; mend or remove the link"] == told(project)


def test_a_link_to_itself_is_told(project: Project) -> None:
    project.folder("events").mkdir()
    (project.folder("events") / "config.yaml").symlink_to("config.yaml")

    assert ["config.yaml:1:1: a symbolic link to nothing; mend or remove the link"] == told(project)


def test_another_spelling_of_the_file_is_told(project: Project) -> None:
    folder = project.write_workflow("events")
    (folder / "config.yaml").rename(folder / "config.yml")

    assert ["config.yaml:1:1: there is no such file; rename config.yml to config.yaml"] == told(project)
