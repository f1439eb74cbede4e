"""Outputs that a workflow's functions ask for, ``ctx.output("ingest.orders")``: a step of that name gives each."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.errors import Problem
from dataflow.loading.callables import Modules, outputs_read
from dataflow.loading.rules.step_functions import GIVE_NOTHING
from dataflow.loading.workflow import Workflow
from dataflow.near_miss import known_words
from dataflow.paths import relative_name

__all__ = ["problems_of_outputs"]

MODULES = ("ingestion", "validation", "transform", "steps")


def problems_of_outputs(workflow: Workflow) -> Iterator[Problem]:
    """Find each output that no step of the workflow gives, in the modules beside its config."""
    modules = Modules(workflow.project, relative_name(workflow.project, workflow.folder))
    steps = sorted(task.id for task in workflow.plan.tasks if task.kind not in GIVE_NOTHING)
    for name in MODULES:
        module = modules.get(name)
        if module is None:
            continue
        for function in module.functions.values():
            for asked, line, column in outputs_read(function):
                if asked not in steps:
                    hint = known_words(asked, steps, what="the steps")
                    message = f"no step gives an output '{asked}'"
                    yield Problem(module.path, line, column, "", message, hint)
