"""Schema contracts: there is something that data can be held to, and a way to do what is asked."""

from __future__ import annotations

from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.sources import VARIANT

__all__ = ["contracts_are_sound"]


def contracts_are_sound(subject: Subject) -> Findings:
    """Check what sources say of data that is not as they declare it."""
    for name, source in subject.spec.sources.items():
        steps: Steps = ("sources", name)
        contract = source.schema_contract
        if "schema_contract" in source.model_fields_set and not source.columns:
            message = "no column is declared that data could be held to"
            yield Finding((*steps, "schema_contract"), message, "name the `columns`, or leave it out", on_key=True)
        if contract.data_type == "evolve":
            yield from _variants_are_free(steps, [*source.columns])


def _variants_are_free(steps: Steps, columns: list[str]) -> Findings:
    names = {column.casefold() for column in columns}
    for column in columns:
        base = column.casefold().removesuffix(VARIANT)
        if column.casefold().endswith(VARIANT) and base in names:
            message = f"`data_type: evolve` lands here what does not fit '{column[: -len(VARIANT)]}'"
            yield Finding((*steps, "columns", column), message, "choose another name", on_key=True)
