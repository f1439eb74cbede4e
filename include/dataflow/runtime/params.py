"""What a run is given: its params, and what they decide of dbt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from dataflow.spec.params import param_schema

if TYPE_CHECKING:
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["full_refresh_of", "params_of"]


def params_of(spec: WorkflowSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every param of the workflow: the given value, else its default.

    Raises:
        InputError: when one is unknown, or its value does not fit; the text names it.
    """
    import jsonschema  # type: ignore[import-untyped]

    unknown = sorted(given.keys() - spec.params.keys())
    if unknown:
        known = ", ".join(spec.params) or "none"
        raise InputError(f"no param {', '.join(unknown)}; {spec.name} has {known}")
    values = {name: given.get(name, param.default) for name, param in spec.params.items()}
    for name, value in values.items():
        try:
            jsonschema.validate(value, param_schema(spec.params[name]), format_checker=jsonschema.FormatChecker())
        except jsonschema.ValidationError as exc:
            raise InputError(f"params.{name}: {exc.message}") from None
    return values


def full_refresh_of(spec: WorkflowSpec, params: Mapping[str, Any]) -> bool:
    """Tell whether dbt builds incremental models anew: as the config says, else as the param of that name says."""
    said = spec.dbt.full_refresh
    if said is None:
        return bool(params.get("full_refresh", False))
    return bool(params.get(said.removeprefix("params."), False)) if isinstance(said, str) else said
