"""What workflows are to each other: rings, partitions that never meet, titles that two of them bear."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.loading.workflow import Workflow
from dataflow.spec.schedule import assets_of
from dataflow.spec.sources import PublishedSource
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Neighbours"]

Edges = dict[str, dict[str, Steps]]
"""For each workflow those that it waits for or reads, and where it says so."""


class Neighbours:
    """All workflows of a project, as each of them sees the others.

    Args:
        workflows: Those whose configs are sound; what the others would say is not judged.
    """

    def __init__(self, workflows: Mapping[str, Workflow]) -> None:
        self._specs = {name: workflow.spec for name, workflow in workflows.items()}
        self._in_rings = _in_rings({name: _awaited(spec, self._specs) for name, spec in self._specs.items()})
        self._titled: dict[str, str] = {}
        for name, spec in self._specs.items():
            if spec.title is not None:
                self._titled.setdefault(spec.title, name)

    def findings(self, name: str) -> Findings:
        """Give what is wrong between this workflow and the others."""
        yield from self._ring(name)
        yield from self._partitions_agree(name)
        title = self._specs[name].title
        if title is not None and self._titled[title] != name:
            message = f"{self._titled[title]} has the same title"
            yield Finding(("title",), message, "nobody can tell them apart in a list", severity="warning")

    def _ring(self, name: str) -> Findings:
        """Refuse workflows that wait for each other in a ring: none of them can ever begin."""
        if name in self._in_rings:
            ring = _shortest_ring(self._in_rings, name)
            if ring:
                message = f"these workflows wait for each other: {' -> '.join(ring)}"
                yield Finding(self._in_rings[name][ring[1]], message, "break the ring, for none could be the first")

    def _partitions_agree(self, name: str) -> Findings:
        """Refuse to wait for events that never come: those of a partition start no plain schedule, and vice versa."""
        own = _partition(self._specs[name])
        for index, asset in enumerate(assets_of(self._specs[name].schedule)):
            other = asset.split("/")[1]
            theirs = _partition(self._specs[other]) if other in self._specs else own
            if theirs != own:
                message = f"{other} gives {_said(theirs)}, and this waits for {_said(own)}: no run would ever start"
                yield Finding(("schedule", "assets", index), message, "let both have the same `partition`, or none")


def _said(partition: str | None) -> str:
    return f"partitions by {partition}" if partition else "no partitions"


def _partition(spec: WorkflowSpec) -> str | None:
    return None if isinstance(spec.schedule, str) else getattr(spec.schedule, "partition", None)


def _awaited(spec: WorkflowSpec, known: Mapping[str, WorkflowSpec]) -> dict[str, Steps]:
    found: dict[str, Steps] = {}
    for source, body in spec.sources.items():
        if isinstance(body, PublishedSource):
            found.setdefault(body.table.split(".")[0], ("sources", source, "table"))
    for index, asset in enumerate(assets_of(spec.schedule)):
        found.setdefault(asset.split("/")[1], ("schedule", "assets", index))
    return {name: steps for name, steps in found.items() if name in known}


def _in_rings(edges: Edges) -> Edges:
    """Leave out, again and again, who waits for nobody: what is left is in a ring or waits for one."""
    left = {name: dict(others) for name, others in edges.items() if others}
    while True:
        kept = {name: {other: at for other, at in others.items() if other in left} for name, others in left.items()}
        kept = {name: others for name, others in kept.items() if others}
        if len(kept) == len(left):
            return kept
        left = kept


def _shortest_ring(edges: Edges, start: str) -> list[str]:
    """Give the way from a workflow back to itself, it being first and last; nothing where it is in no ring."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for other in sorted(edges[here]):
            if other == start:
                way = [start, here]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1] if here != start else [start, start]
            if other not in came_from:
                came_from[other] = here
                waiting.append(other)
    return []
