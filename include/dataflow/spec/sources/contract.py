"""What is done with data that is not as its source declares it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from dataflow.spec.base import Spec

__all__ = ["AS_DECLARED", "VARIANT", "ContractMode", "GivenContract", "SchemaContract"]

ContractMode = Literal["evolve", "freeze", "discard_value", "discard_row", "quarantine"]

VARIANT = "__text"
"""How the name of the column ends that ``data_type: evolve`` lands misfits in."""


class SchemaContract(Spec):
    """What is done with data that is not as ``columns`` says; one word sets both."""

    columns: ContractMode = "discard_value"
    """A column that comes and is not declared. ``evolve``: it is landed, and a declared one that does not come is NULL.
    ``freeze``: the run fails. ``discard_value``: the column is left out. ``discard_row``: rows with a value there are.
    ``quarantine``: those rows go to quarantine. But for ``evolve``, a declared column that does not come fails the run.
    """
    data_type: ContractMode = "freeze"
    """A value that does not fit its column's type. ``evolve``: it is landed as text beside it, in ``<column>__text``.
    ``freeze``: the run fails. ``discard_value``: it becomes NULL. ``discard_row``: its row is left out.
    ``quarantine``: its row goes to quarantine.
    """

    def __str__(self) -> str:
        return f"columns: {self.columns}, data_type: {self.data_type}"


AS_DECLARED = SchemaContract()
"""What holds where nothing is said."""


def _contract(value: Any) -> Any:
    return {"columns": value, "data_type": value} if isinstance(value, str) else value


GivenContract = Annotated[
    SchemaContract, BeforeValidator(_contract, json_schema_input_type=ContractMode | SchemaContract)
]
