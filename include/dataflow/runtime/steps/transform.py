"""Transform: lead one table's batch through its stages, and load what comes out.

Author code runs on an in-memory DuckDB over copies; the warehouse's lock is held for the copy and for the load only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import FatalError
from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import Manifest
from dataflow.quality.judge import judge, reads_of_checks
from dataflow.quality.outcome import raise_on_failures
from dataflow.quarantine.superseding import let_wait_again
from dataflow.runtime.receipt import StepReceipt
from dataflow.runtime.recording import stage_key
from dataflow.runtime.step import Step
from dataflow.runtime.steps.checks import keep_outcomes, lookup_tables, past_of, view_of_files
from dataflow.runtime.steps.declared import require_declared
from dataflow.runtime.steps.python_stage import python_stage
from dataflow.sensitive import sensitive_in_load, sensitive_in_transform
from dataflow.spec.checks import Check
from dataflow.spec.sources import is_windowed
from dataflow.spec.tables import base_source, load_of, transform_of
from dataflow.transforms.apply import apply_stages
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.columns import columns_of, parquet_select
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.extract import extract
from dataflow.warehouse.load import LoadRequest, LoadResult, load

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.window import RunWindow

__all__ = ["LOADED", "load_request", "transform_table"]

LOADED = "_dataflow_loaded_"


def transform_table(step: Step, table: str) -> StepReceipt:
    """Make the table's rows of this run and load them; the receipt says how many were written."""
    spec = step.workflow.spec
    source = base_source(spec, table)
    batch = step.batch(source) if source is not None else None
    if batch is not None:
        require_declared(step, batch)
    with step.scratch() as folder:
        if batch is not None and not transform_of(spec, table).stages:
            staged = step.files(batch, folder)
        else:
            staged = [str(_staged(step, table, source=source, batch=batch, folder=folder))]
        size = sum(Path(path).stat().st_size for path in staged)
        result = _load(step, table, staged)
    if result.skipped:
        step.request.log.info("%s: %s", table, result.skipped)
    elif source is not None and step.request.try_number > 1:
        let_wait_again(step.history, step.workflow.name, run_id=step.request.run_id, table=source)
    return step.receipt(
        table=table,
        rows=result.rows_written,
        rows_in=batch.rows if batch is not None else result.rows_in,
        bytes=size,
        schema_hash=batch.schema_hash if batch is not None else None,
        skipped=result.skipped,
    )


def _staged(step: Step, table: str, *, source: str | None, batch: Manifest | None, folder: Path) -> Path:
    """Run the stages and write their result to a file of the scratch folder."""
    body = transform_of(step.workflow.spec, table)
    sight = _look(step, table, batch=batch, folder=folder)
    with open_scratch(folder, memory=step.settings.memory, views=sight.batches) as connection:
        for name, file in sight.loaded.items():
            view_of_files(connection, f"{LOADED}{name}" if name == table else name, file=file)
        final = apply_stages(
            connection,
            body,
            name=table,
            source=f"batch.{source}" if source is not None else None,
            window=step.window,
            python=python_stage(step, connection, table=table, source=source),
            check=_check_stage(step, connection, table=table, sight=sight),
            sensitive=sensitive_in_transform(step.workflow.spec),
        )
        staged = folder / "staged.parquet"
        relation = quote(final)
        selected = parquet_select(columns_of(connection, relation))
        connection.execute(f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(staged))} (FORMAT parquet)")
    return staged


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a transform sees beside its own rows."""

    batches: Mapping[str, list[str]]
    """Files of batches of this run, as ``batch.<source>``."""
    loaded: Mapping[str, Path]
    """Copies of loaded tables, as of this run."""


def _look(step: Step, table: str, *, batch: Manifest | None, folder: Path) -> _Sight:
    spec = step.workflow.spec
    reads = step.workflow.reads.get(table, frozenset())
    looked_up = reads_of_checks(stage.check for stage in transform_of(spec, table).stages if stage.check)
    # What is looked up counts as known whether it is loaded or only in this run's batch.
    of_batches = {name.removeprefix("batch.") for name in reads if name.startswith("batch.")}
    of_batches |= looked_up & spec.sources.keys()
    batches = {f"batch.{name}": step.files(step.batch(name), folder) for name in sorted(of_batches)}
    if batch is not None and f"batch.{batch.table}" not in batches:
        batches[f"batch.{batch.table}"] = step.files(batch, folder)
    named = {name for name in reads if not name.startswith("batch.")} - {table}
    loaded = extract(
        step.settings,
        step.workflow.name,
        tables=sorted(named | looked_up),
        into=folder / "loaded",
        log=step.request.log,
    )
    missing = sorted(named - loaded.keys())
    if missing:
        raise FatalError(f"{table} reads {', '.join(missing)}, which nothing has loaded yet; run their transform first")
    return _Sight(batches, loaded)


def _check_stage(
    step: Step, connection: DuckDBPyConnection, *, table: str, sight: _Sight
) -> Callable[[Check, str], None]:
    key = stage_key(step.workflow, step.request, stage="TRANSFORMED", table=table)

    def check(check: Check, relation: str) -> None:
        found: dict[str, list[str]] = {}
        for name in reads_of_checks([check]):
            found[name] = [relation] if name == table else [f"batch.{name}"] if f"batch.{name}" in sight.batches else []
            if name in sight.loaded:
                found[name].append(f"{LOADED}{name}" if name == table else name)
        lookups = lookup_tables(connection, [check], found=found)
        outcomes = judge(
            connection,
            relation,
            [check],
            window=step.window,
            tables=lookups,
            past=past_of(step.history, key, window=step.window, is_batch=False),
            sensitive=sensitive_in_transform(step.workflow.spec),
        )
        keep_outcomes(step, table, checks=[check], outcomes=outcomes, stage="TRANSFORMED")
        raise_on_failures(table, outcomes)

    return check


def load_request(workflow: Workflow, table: str, *, run: RunWindow, run_id: str, staged: list[str]) -> LoadRequest:
    """Say how the table's staged rows of a run are loaded."""
    mode, how = load_of(workflow.spec, table)
    made_of = _sources_of(workflow, table)
    return LoadRequest(
        workflow=workflow.name,
        table=table,
        mode=mode,
        run_id=run_id,
        window=run.window,
        parquet=staged,
        key=how.key or (),
        newest_by=how.newest_by,
        # Rows of several sources have no cursor in common: their load covers the window.
        cursor=run.ranges.get(made_of[0]) if len(made_of) == 1 else None,
        anew=run.loads_as is not None and not made_of,
        windowed=any(is_windowed(workflow.spec.sources[source]) for source in made_of),
        sensitive=sensitive_in_load(workflow.spec, table),
    )


def _load(step: Step, table: str, staged: list[str]) -> LoadResult:
    run_id = step.run.loads_as or step.request.run_id
    request = load_request(step.workflow, table, run=step.run, run_id=run_id, staged=staged)
    name = f"{step.workflow.name}.{table}"
    with open_warehouse(step.settings, purpose=f"load {name}", turn=name, log=step.request.log) as connection:
        step.require_newest()
        # A later try that begins from the last look on loads after this one, or contradicts it, which looks again.
        return load(connection, request, before_commit=step.require_newest)


def _sources_of(workflow: Workflow, table: str) -> list[str]:
    """Give the sources whose batches of this run the table's rows are made of."""
    spec = workflow.spec
    source = base_source(spec, table)
    if source is not None:
        return [source]
    reads = workflow.reads.get(table, frozenset())
    batches = {name.removeprefix("batch.") for name in reads if name.startswith("batch.")}
    return sorted(batches & spec.sources.keys())
