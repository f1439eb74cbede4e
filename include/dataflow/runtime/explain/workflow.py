"""Every step of a workflow, explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.ops.stages import StageKey, StageName
from dataflow.runtime.explain.checks import explain_checks
from dataflow.runtime.explain.contract import explain_contract
from dataflow.runtime.explain.part import Part
from dataflow.runtime.explain.recording import Recorder, empty_tables
from dataflow.runtime.explain.steps import step_says
from dataflow.runtime.explain.transform import explain_transform
from dataflow.runtime.steps.checks import past_of
from dataflow.runtime.steps.transform import LOADED
from dataflow.runtime.window import RunWindow
from dataflow.sources.contract.columns import declared_types
from dataflow.spec.sources import ApiSource, DatabaseSource, FileSource, PublishedSource, PythonSource
from dataflow.spec.tables import load_of

if TYPE_CHECKING:
    from dataflow.interval import Interval
    from dataflow.loading.workflow import Workflow
    from dataflow.ops.history import History
    from dataflow.quality.anomaly import Past
    from dataflow.spec.checks import Check
    from dataflow.spec.plan import Task

__all__ = ["ExplainedTask", "explain"]

OURS = {"_dataflow_run": "VARCHAR", "_dataflow_window_start": "TIMESTAMPTZ", "_dataflow_window_end": "TIMESTAMPTZ"}
CURSOR = {"_dataflow_cursor": "TIMESTAMPTZ"}


@dataclass(frozen=True, slots=True)
class ExplainedTask:
    """One task of the plan."""

    id: str
    after: tuple[str, ...]
    says: str
    """What it does, in a line."""
    parts: tuple[Part, ...] = field(default=())
    """Its checks, or its stages and its load."""


def explain(workflow: Workflow, *, window: Interval, history: History | None = None) -> list[ExplainedTask]:
    """Give every task in its order, with the SQL that a run of this window would send to DuckDB.

    No source is read and no code of the author's runs. SQL that depends on columns which the config does not name is
    left out, and the part says so. An ``anomaly`` is compared with what the history holds, where there is one.
    """
    spec = workflow.spec
    run = RunWindow(window, {name: window for name, source in spec.sources.items() if source.incremental})
    batches = {
        name: declared_types(source.columns) | OURS | (CURSOR if source.incremental else {})
        for name, source in spec.sources.items()
        if source.columns
    }
    made: dict[str, tuple[Part, ...]] = {}
    loaded: dict[str, Mapping[str, str]] = {}
    for task in workflow.plan.tasks:  # their order is that in which tables can be read
        if task.kind == "transform" and task.table:
            past = _past_of(workflow, task, window=window, history=history)
            parts, columns = explain_transform(workflow, task.table, run=run, batches=batches, loaded=loaded, past=past)
            made[task.id] = parts
            loaded |= {task.table: columns} if columns is not None else {}
    for task in workflow.plan.tasks:
        if task.kind == "ingest" and task.table:
            made[task.id] = explain_contract(spec.sources[task.table])
        if task.kind == "validate" and task.table:
            past = _past_of(workflow, task, window=window, history=history)
            made[task.id] = _validate(workflow, task.table, batches=batches, loaded=loaded, window=window, past=past)
    return [
        ExplainedTask(task.id, task.after, _says(workflow, task), made.get(task.id, ())) for task in workflow.plan.tasks
    ]


def _validate(
    workflow: Workflow,
    table: str,
    *,
    batches: Mapping[str, Mapping[str, str]],
    loaded: Mapping[str, Mapping[str, str]],
    window: Interval,
    past: Callable[[Check], Sequence[Past]],
) -> tuple[Part, ...]:
    known = {f"{LOADED}{name}": columns for name, columns in loaded.items()}
    found = {name: [name] if name in batches else [] for name in {*batches, *loaded}}
    for name in loaded:
        found[name].append(f"{LOADED}{name}")
    checks = workflow.spec.validate_.get(table, ())
    with empty_tables({**batches, **known}) as connection:
        parts = explain_checks(Recorder(connection), table, checks, window=window, found=found, past=past)
    judged = (workflow.folder / "validation.py").is_file()
    return (*parts, Part("validation.py", note=f"the function {table}, where there is one")) if judged else parts


def _past_of(
    workflow: Workflow, task: Task, *, window: Interval, history: History | None
) -> Callable[[Check], Sequence[Past]]:
    if history is None:
        return lambda _: ()
    stage: StageName = "VALIDATED" if task.kind == "validate" else "TRANSFORMED"
    key = StageKey(workflow=workflow.name, run_id="", stage=stage, try_number=0, task_id=task.id, table_name=task.table)
    return past_of(history, key, window=window, is_batch=task.kind == "validate")


def _says(workflow: Workflow, task: Task) -> str:
    spec, table = workflow.spec, task.table or ""
    if task.kind == "ingest":
        source = spec.sources[table]
        match source:
            case ApiSource():
                what = f"{source.method} {source.url}"
            case FileSource():
                what = source.path
            case DatabaseSource():
                what = source.table or "by its query"
            case PythonSource():
                what = source.callable or f"ingestion:{table}"
            case PublishedSource():
                what = source.table
            case _:
                what = ""
        cursor = f", what is new by {source.incremental.cursor}" if source.incremental else ""
        return f"reads {source.type} {what}".rstrip() + cursor
    if task.kind == "transform":
        mode, how = load_of(spec, table)
        by = f" by {', '.join(how.key)}" if how.key else ""
        return f"makes {table} and loads it: {mode}{by}"
    says = {
        "validate": f"judges the batch of {table}",
        "dbt": f"builds the models {', '.join(workflow.models)}",
        "publish": f"lets others read {', '.join(workflow.published_tables)}"
        + (f", with a copy in {spec.publish.to}" if spec.publish.to else ""),
    }
    return says.get(task.kind) or step_says(workflow, task)
