"""What workflows are to each other: rings in which they wait or start runs, titles that two of them bear."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.loading.workflow import Workflow
from dataflow.spec.schedule import FileSchedule, assets_of
from dataflow.spec.sources import PublishedSource
from dataflow.spec.steps import step_kind, walk_steps
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
        self._started = _starts(self._specs)
        self._titled: dict[str, str] = {}
        for name, spec in self._specs.items():
            if spec.title is not None:
                self._titled.setdefault(spec.title, name)

    def findings(self, name: str) -> Findings:
        """Give what is wrong between this workflow and the others."""
        yield from self._ring(name)
        yield from self._endless(name)
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

    def _endless(self, name: str) -> Findings:
        """Refuse workflows that start each other in a ring: the first run of one would be the last moment of rest."""
        for other, at in _triggered(self._specs[name]).items():
            way = _way(self._started, other, name)
            if way:
                message = f"these workflows start each other without end: {' -> '.join([name, *way])}"
                hint = "break the ring, or let a choice, gate or approval come before the trigger"
                yield Finding(at, message, hint)


def _awaited(spec: WorkflowSpec, known: Mapping[str, WorkflowSpec]) -> dict[str, Steps]:
    found: dict[str, Steps] = {}
    for source, body in spec.sources.items():
        if isinstance(body, PublishedSource):
            found.setdefault(body.table.split(".")[0], ("sources", source, "table"))
    for index, asset in enumerate(assets_of(spec.schedule)):
        found.setdefault(asset.split("/")[1], ("schedule", "assets", index))
    return {name: steps for name, steps in found.items() if name in known}


def _triggered(spec: WorkflowSpec) -> dict[str, Steps]:
    """Give the workflows that each run of this one starts, whatever it finds, and where it says so."""
    found: dict[str, Steps] = {}
    for at, step in walk_steps(spec.steps or ()):
        if step_kind(step) in ("gate", "approve") and len(at) == len(("steps", 0)):
            break  # what comes later may be skipped
        if step.trigger is not None and not {"then", "else", "branches"}.intersection(at):
            found.setdefault(step.trigger.workflow, (*at, "trigger", "workflow"))
    return found


def _starts(specs: Mapping[str, WorkflowSpec]) -> dict[str, set[str]]:
    """Give for each workflow those that a run of it starts: which it triggers, and which wait for its data alone."""
    started = {name: _triggered(spec).keys() & specs.keys() for name, spec in specs.items()}
    for name, spec in specs.items():
        for producer in _suffices(spec) & specs.keys():
            started[producer].add(name)
    return started


def _suffices(spec: WorkflowSpec) -> set[str]:
    """Give the workflows of which each alone starts this one's runs with its assets."""
    producers = {asset.split("/")[1] for asset in assets_of(spec.schedule)}
    if len(producers) < 2 or isinstance(spec.schedule, str | FileSchedule) or spec.schedule.match == "any":
        return producers
    return set()


def _way(edges: Mapping[str, set[str]], start: str, end: str) -> list[str]:
    """Give the shortest way from one workflow to another, both in it; nothing where there is none."""
    ways = deque([[start]])
    seen = {start}
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way
        for other in sorted(edges.get(way[-1], set()) - seen):
            seen.add(other)
            ways.append([*way, other])
    return []


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
