"""What can be told of a workflow that cannot run, beside what is wrong with it already: one round of mending, not two.

Only what asks nothing of other parts of the config is told, and nothing at a place, or within one, that something else
is wrong with: one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pydantic import ValidationError

from dataflow.errors import Problem
from dataflow.loading.layer import Layer
from dataflow.paths import WORKFLOWS
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["broken_among", "not_told_yet", "spec_of"]


def broken_among(problems: Iterable[Problem], healthy: Collection[str]) -> list[str]:
    """Give the workflows of whose own files something is wrong, sorted."""
    folder = f"{WORKFLOWS.as_posix()}/"
    files = {each.path.removeprefix(folder) for each in problems if each.path.startswith(folder)}
    return sorted({file.partition("/")[0] for file in files if "/" in file} - set(healthy))


def spec_of(layer: Layer, name: str) -> WorkflowSpec | None:
    """Give what a config says, whatever else is wrong with it; None where it says nothing that has the right shape."""
    if layer.root is None or layer.problems:
        return None
    try:
        return WorkflowSpec.model_validate({**layer.root.plain(), "name": name})
    except ValidationError:
        return None


def not_told_yet(found: Iterable[Problem], told: Iterable[Problem]) -> Iterator[Problem]:
    """Leave out what stands where something else is told: above it, within it, or at the very place."""
    known = {(each.path, each.key) for each in told}
    for each in found:
        around = [(each.path, key) for key in _above(each.key)]
        within = any(path == each.path and f"{key}.".startswith(f"{each.key}.") for path, key in known)
        if not within and known.isdisjoint(around):
            yield each


def _above(key: str) -> Iterator[str]:
    steps = key.split(".")
    return (".".join(steps[:end]) for end in range(1, len(steps) + 1))
