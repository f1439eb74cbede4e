"""What an ingest does with data that is not as its source declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dataflow.runtime.explain.part import Part
from dataflow.spec.sources import VARIANT, ContractMode

if TYPE_CHECKING:
    from dataflow.spec.sources import SourceBase

__all__ = ["explain_contract"]

_COLUMNS: Mapping[ContractMode, str] = {
    "evolve": "a column that is not declared is landed too; a declared one that does not come is NULL",
    "freeze": "a column that is not declared fails the run",
    "discard_value": "a column that is not declared is left out",
    "discard_row": "rows with a value in a column that is not declared are left out",
    "quarantine": "rows with a value in a column that is not declared go to quarantine",
}
_DATA_TYPE: Mapping[ContractMode, str] = {
    "evolve": f"a value that does not fit its type is landed as text, in <column>{VARIANT}",
    "freeze": "a value that does not fit its type fails the run",
    "discard_value": "a value that does not fit its type becomes NULL",
    "discard_row": "rows with a value that does not fit its type are left out",
    "quarantine": "rows with a value that does not fit its type go to quarantine",
}


def explain_contract(source: SourceBase) -> tuple[Part, ...]:
    """Give a part for each key of the source's contract; nothing where the config does not speak of one."""
    if "schema_contract" not in source.model_fields_set:
        return ()
    contract = source.schema_contract
    return (
        Part(f"columns: {contract.columns}", note=_COLUMNS[contract.columns]),
        Part(f"data_type: {contract.data_type}", note=_DATA_TYPE[contract.data_type]),
    )
