"""Steps that read data and load none of it: nobody would see what a run did."""

from __future__ import annotations

from dataflow.loading.rules.subject import Finding, Findings
from dataflow.spec.steps import step_kind, walk_steps
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["something_is_loaded"]


def something_is_loaded(spec: WorkflowSpec) -> Findings:
    """Tell of steps without one that makes tables, or that an author wrote, who may use what was read."""
    kinds = {step_kind(step) for _, step in walk_steps(spec.steps or ())}
    if "ingest" in kinds and not kinds & {"transform", "run"}:
        hint = "add `transform`, which loads the tables even where there is nothing to transform"
        yield Finding(("steps",), "sources are read, and no step loads them", hint, on_key=True, severity="warning")
