"""The same checks over rows that come back, together with the batch that they come back to."""

from __future__ import annotations

from pathlib import Path

from dataflow.errors import ContractError
from dataflow.identifiers import literal
from dataflow.landing.manifest import Manifest
from dataflow.landing.scan import scan_of
from dataflow.quality.outcome import CheckOutcome, raise_on_failures
from dataflow.quarantine.store import ROW
from dataflow.runtime.quarantine.candidates import NUMBER, RECORD
from dataflow.runtime.quarantine.set_aside import Refused, let_mean
from dataflow.runtime.step import Step
from dataflow.runtime.steps.authored_checks import judged_by_author
from dataflow.runtime.steps.checks import keep_outcomes
from dataflow.runtime.steps.declared import columns_declared_since
from dataflow.runtime.steps.validate import batches_read, judge_batch, lookups_of
from dataflow.sensitive import sensitive_in_batch
from dataflow.spec.checks import TABLE_WIDE, Check, check_kind
from dataflow.transforms.connection import open_scratch

__all__ = ["judge_again", "rows_of"]


def judge_again(step: Step, table: str, *, standing: Manifest, candidates: Path, refused: Path, folder: Path) -> None:
    """Judge the candidates together with the batch; only they can be refused, for the rest has passed.

    Raises:
        ContractError: when a check names a column that is declared only since the batch was landed.
        DataQualityError: when a check of the whole table fails.
    """
    # What is odd about a run's figures was seen in the run itself, and its figures are kept.
    checks = tuple(check for check in step.workflow.spec.validate_.get(table, ()) if check.anomaly is None)
    batches = {table: standing} | {name: step.batch(name) for name in batches_read(step, checks) - {table}}
    views = {name: step.files(manifest, folder) for name, manifest in batches.items()}
    fit = f"FROM read_parquet({literal(str(candidates))}) WHERE len(rules) = 0 AND NOT read_again"
    rows = (
        f"SELECT *, CAST(NULL AS BIGINT) AS {ROW} FROM {rows_of(step, standing, folder)} "
        f"UNION ALL BY NAME SELECT * EXCLUDE ({RECORD}, {NUMBER}, rules, reasons, read_again) {fit}"
    )
    with open_scratch(folder, memory=step.settings.memory, views=views) as connection:
        let_mean(connection, table, rows=rows)
        lookups = lookups_of(step, connection, checks=checks, batches=batches, folder=folder)
        told = Refused(connection, sensitive_in_batch(step.workflow.spec, table))
        outcomes: dict[int, CheckOutcome] = {}
        telling = [i for i, check in enumerate(checks) if _tells_rows(check)]
        for i in telling:
            (outcome,) = judge_batch(step, connection, table, [checks[i]], lookups=lookups)
            if outcome.status in ("failed", "quarantined"):
                outcome = told.add(table, checks[i], outcome, window=step.window, tables=lookups)
            outcomes[i] = outcome
        told.write(refused)
        told.hide(table, rows=rows)
        for i in range(len(checks)):
            if i not in outcomes:
                (outcomes[i],) = judge_batch(step, connection, table, [checks[i]], lookups=lookups)
        authored = judged_by_author(step, table, connection=connection)
    judged = [outcomes[i] for i in range(len(checks))]
    keep_outcomes(step, table, checks=checks, outcomes=[*judged, *authored.outcomes], stage="VALIDATED")
    if authored.error is not None:
        raise authored.error
    whole = [each for i, each in enumerate(judged) if i not in telling or each.status == "error"]
    if any(each.status == "error" for each in whole) and (missing := columns_declared_since(step, standing)):
        raise ContractError(
            f"{table}: these rows were landed before {missing} declared, and cannot be judged by it; run the window "
            "again from ingest, which reads them anew: `--window`, or clear the run's ingest task in Airflow"
        )
    raise_on_failures(table, [*whole, *authored.outcomes])


def _tells_rows(check: Check) -> bool:
    return check_kind(check) not in TABLE_WIDE and check.on_fail != "warn"


def rows_of(step: Step, batch: Manifest, folder: Path) -> str:
    """Give the scan of a batch's rows."""
    return scan_of(step.files(batch, folder))
