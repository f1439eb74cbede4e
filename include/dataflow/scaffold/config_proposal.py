"""What a sample proposes, as a config that validates: as much of it as does."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataflow.errors import ConfigError, InputError
from dataflow.loading.layers import read_layers
from dataflow.loading.load import load_workflow
from dataflow.loading.yaml_document import read_document
from dataflow.paths import TEMPLATES, WORKFLOWS, folder_of
from dataflow.scaffold.config_edit import with_keys
from dataflow.scaffold.source_sample import Sample
from dataflow.settings import Settings

__all__ = ["Proposal", "propose"]

NOT_CODE = shutil.ignore_patterns("data", "tests", "evidence", "__pycache__")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A config as it could be."""

    file: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """What would change, as ``diff -u`` tells it; empty where nothing would."""
        name = f"{WORKFLOWS.as_posix()}/{self.file.parent.name}/{self.file.name}"
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), name, name, n=2
        )
        return "".join(lines)


def propose(settings: Settings, workflow: str, source: str, sample: Sample) -> Proposal:
    """Lay what a sample found into the config: what is written there already stays, and the result validates.

    Raises:
        InputError: when the source is not written in the workflow's own ``config.yaml``.
        ConfigError: when the config has other problems, so that nobody can tell whether it would be right.
    """
    file = folder_of(settings.project, workflow) / "config.yaml"
    before = file.read_text(encoding="utf-8")
    document, _ = read_document(before.encode(), file.name)
    if document is None or document.at(("sources", source)) is None:
        raise InputError(
            f"the source {source} is not written in {workflow}/config.yaml; write there what is found here"
        )
    problems: ConfigError | None = None
    for keys in _from_most_to_least(settings, workflow, source, sample):
        after = before
        for place, given in keys:
            after = with_keys(after, place, given)
        try:
            _validate(settings, workflow, after)
        except ConfigError as error:
            problems = error
        else:
            return Proposal(file, before, after)
    raise problems or InputError(f"nothing is found for {source}")


Keys = list[tuple[tuple[str, ...], dict[str, Any]]]


def _from_most_to_least(settings: Settings, workflow: str, source: str, sample: Sample) -> Iterator[Keys]:
    root = read_layers(settings.project, workflow, environment=settings.environment).root

    def is_there(*steps: str) -> bool:
        return root is not None and root.at(steps) is not None

    here = ("sources", source)
    declared = root.at((*here, "columns")) if root is not None else None
    known = {name.lower() for name in declared.value} if declared and isinstance(declared.value, dict) else set()
    new = {name: kind for name, kind in sample.columns.items() if name.lower() not in known}
    basic: Keys = []
    if sample.options:
        basic.append(((*here, "options"), dict(sample.options)))
    if sample.pagination and not is_there(*here, "pagination"):
        basic.append((here, {"pagination": dict(sample.pagination)}))
    if new:
        basic.append(((*here, "columns"), new))
    load: dict[str, Any] = {"key": sample.key}
    if sample.key and not is_there("load", source):
        if sample.cursor and not is_there(*here, "incremental"):
            follows = {"incremental": {"cursor": sample.cursor}}
            yield [*basic, (here, follows), (("load",), {source: {**load, "newest_by": sample.cursor}})]
        elif sample.cursor:
            yield [*basic, (("load",), {source: {**load, "newest_by": sample.cursor}})]
        yield [*basic, (("load",), {source: load})]
    yield basic


def _validate(settings: Settings, workflow: str, text: str) -> None:
    """Load the config as if it were written, beside a copy of what it names.

    Raises:
        ConfigError: with what would be wrong.
    """
    real = settings.project
    with tempfile.TemporaryDirectory(prefix="proposal-") as folder:
        project = Path(folder).resolve()
        shutil.copytree(folder_of(real, workflow), folder_of(project, workflow), ignore=NOT_CODE)
        for name in (TEMPLATES, Path("include/pipelines"), Path("dbt/models") / workflow):
            if (real / name).is_dir():
                shutil.copytree(real / name, project / name)
        defaults = real / WORKFLOWS / "defaults.yaml"
        if defaults.is_file():
            shutil.copy(defaults, project / WORKFLOWS / "defaults.yaml")
        (folder_of(project, workflow) / "config.yaml").write_text(text, encoding="utf-8")
        others = frozenset(path.parent.name for path in (real / WORKFLOWS).glob("*/config.yaml"))
        load_workflow(project, workflow, environment=settings.environment, workflows=others)
