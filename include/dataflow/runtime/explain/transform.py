"""The SQL of a transform's stages and of its load: both run, on tables without rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import StepError
from dataflow.identifiers import literal, quote
from dataflow.quality.judge import reads_of_checks
from dataflow.queries import columns_of
from dataflow.runtime.explain.checks import explain_checks
from dataflow.runtime.explain.part import Part
from dataflow.runtime.explain.recording import Recorder, empty_tables
from dataflow.runtime.steps.transform import load_request
from dataflow.spec.tables import base_source, load_of, transform_of
from dataflow.spec.transforms import stage_kind
from dataflow.transforms.apply import apply_stages
from dataflow.warehouse.load import load

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.quality.anomaly import Past
    from dataflow.runtime.window import RunWindow
    from dataflow.spec.checks import Check
    from dataflow.spec.transforms import Stage

__all__ = ["explain_transform"]

RUN_ID = "<run id>"
STAGED = "<staged rows>"
UNKNOWN = "known when it runs: "


def explain_transform(
    workflow: Workflow,
    table: str,
    *,
    run: RunWindow,
    batches: Mapping[str, Mapping[str, str]],
    loaded: Mapping[str, Mapping[str, str]],
    past: Callable[[Check], Sequence[Past]],
) -> tuple[tuple[Part, ...], Mapping[str, str] | None]:
    """Give the stages and the load, and the columns of the table; None where they are known only when it runs."""
    source = base_source(workflow.spec, table)
    if source is not None and source not in batches:
        note = f"{UNKNOWN}the config does not name the columns of {source}"
        return (Part("stages and load", note=note),), None
    tables = {f"batch.{name}": columns for name, columns in batches.items()}
    tables |= {name: columns for name, columns in loaded.items() if name != table}
    with tempfile.TemporaryDirectory() as folder, empty_tables(tables, folder=folder) as connection:
        stages = _Stages(workflow, table, run, Recorder(connection), frozenset(tables), past)
        try:
            final = stages.walk(source)
        except StepError as error:
            return (*stages.done(), Part("from here on", note=f"{UNKNOWN}{error}")), None
        columns = columns_of(connection, final)
        staged = Path(folder) / "staged.parquet"
        connection.execute(f"COPY (SELECT * FROM {quote(final)}) TO {literal(str(staged))} (FORMAT parquet)")
        load_part = _load(workflow, table, run=run, staged=staged, guessed=stages.made > 0)
        return (*stages.done(), load_part), columns


@dataclass
class _Stages:
    workflow: Workflow
    table: str
    run: RunWindow
    recorder: Recorder
    tables: frozenset[str]
    past: Callable[[Check], Sequence[Past]]
    parts: list[Part] = field(default_factory=list)
    name: str = ""
    note: str = ""
    is_author_code: bool = False
    made: int = 0

    def walk(self, source: str | None) -> str:
        """Run the stages; an author's function is taken to give back the columns that it got."""
        body = transform_of(self.workflow.spec, self.table)
        return apply_stages(
            self.recorder.as_connection(),
            body,
            name=self.table,
            source=f"batch.{source}" if source is not None else None,
            window=self.run.window,
            python=self._python,
            check=self._check,
            entered=self._enter,
        )

    def done(self) -> tuple[Part, ...]:
        """Give what was recorded."""
        self._leave()
        return tuple(self.parts)

    def _enter(self, stage: Stage) -> None:
        self._leave()
        self.name = stage_kind(stage)

    def _leave(self) -> None:
        sql = self.recorder.take()
        if self.name:
            shown = () if self.is_author_code else sql
            self.parts.append(Part(f"{len(self.parts) + 1} {self.name}", shown, self.note))
        elif sql:
            self.parts.append(Part(f"{len(self.parts) + 1} its batch", sql))
        self.name = self.note = ""
        self.is_author_code = False

    def _python(self, callable_name: str, relation: str | None) -> str:
        reference = callable_name if ":" in callable_name else f"transform:{callable_name}"
        self.is_author_code = True
        self.note = f"calls {reference}; what follows takes it to give back the columns that it got"
        if relation is None:
            raise StepError(f"the columns that {reference} gives")
        self.made += 1
        made = f"_dataflow_python_{self.made}"
        self.recorder.execute(f"CREATE TABLE {quote(made)} AS SELECT * FROM {quote(relation)}")
        return made

    def _check(self, check: Check, relation: str) -> None:
        found: dict[str, list[str]] = {}
        for name in reads_of_checks([check]):
            places = [relation] if name == self.table else [f"batch.{name}", name]
            found[name] = [place for place in places if place == relation or place in self.tables]
        recorder = Recorder(self.recorder.as_connection())
        window = self.run.window
        for part in explain_checks(recorder, relation, [check], window=window, found=found, past=self.past):
            self.name = f"check {part.name}"
            self.note = part.note
            self.recorder.statements = list(part.sql)


def _load(workflow: Workflow, table: str, *, run: RunWindow, staged: Path, guessed: bool) -> Part:
    """Load no rows into a table that is there already, as every run but the first does.

    Where the columns are ``guessed``, for an author's function gives them, a load that they do not fit is no error.
    """
    mode, _ = load_of(workflow.spec, table)
    request = load_request(workflow, table, run=run, run_id=RUN_ID, staged=[str(staged)])
    with empty_tables({}, folder=str(staged.parent)) as warehouse:
        recorder = Recorder(warehouse)
        try:
            load(recorder.as_connection(), request)
            recorder.take()
            load(recorder.as_connection(), request)
        except StepError as error:
            told = "the columns that a function gives" if guessed else str(error)
            return Part(f"load: {mode}", note=f"{UNKNOWN}{told}")
        statements = tuple(sql.replace(str(staged), STAGED) for sql in recorder.take())
    return Part(f"load: {mode}", statements)
