"""A batch that was landed before the config declared a column of it: a step that is run again is not to take it."""

from __future__ import annotations

from dataflow.errors import ContractError
from dataflow.landing.manifest import Manifest
from dataflow.runtime.step import Step

__all__ = ["columns_declared_since", "require_declared"]


def require_declared(step: Step, batch: Manifest) -> None:
    """See that the run's batch of a source has each column that the config declares by now.

    Ingest lands every one of them, NULL where the source has it not. A replay puts rows back into the batch as it is.

    Raises:
        ContractError: when one is not there.
    """
    if step.run.loads_as is None and (missing := columns_declared_since(step, batch)):
        raise ContractError(
            f"{batch.table}: its batch was landed before {missing} declared; run from ingest: clear "
            f"ingest.{batch.table}, or `--from-step ingest.{batch.table}`"
        )


def columns_declared_since(step: Step, batch: Manifest) -> str:
    """Name the columns that are declared and not in the batch, as "column a was"; nothing where all are."""
    landed = {name.lower() for name in batch.columns}
    missing = [name for name in step.workflow.spec.sources[batch.table].columns if name.lower() not in landed]
    return (
        f"column{'s' * (len(missing) > 1)} {', '.join(missing)} {'were' if missing[1:] else 'was'}" if missing else ""
    )
