"""Workflows from one folder of YAML and small Python modules, on Apache Airflow, Cosmos, dbt and DuckDB.

These names are what workflow modules and tools may import; nothing else of the library is public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataflow.errors import (
        ConfigError,
        ContractError,
        DataflowError,
        DataQualityError,
        FatalError,
        InputError,
        LandingError,
        LockTimeout,
        Problem,
        RunSuperseded,
        StepError,
        TransientError,
    )
    from dataflow.quality.result import CheckResult
    from dataflow.runtime.author_code.context import StepContext, Table
    from dataflow.runtime.by_name import list_workflows, load_config, load_registry, run_workflow, validate_config
    from dataflow.runtime.result import RunResult, StepResult

__all__ = [
    "CheckResult",
    "ConfigError",
    "ContractError",
    "DataQualityError",
    "DataflowError",
    "FatalError",
    "InputError",
    "LandingError",
    "LockTimeout",
    "Problem",
    "RunResult",
    "RunSuperseded",
    "StepContext",
    "StepError",
    "StepResult",
    "Table",
    "TransientError",
    "list_workflows",
    "load_config",
    "load_registry",
    "run_workflow",
    "validate_config",
]

_ELSEWHERE = {
    "CheckResult": "dataflow.quality.result",
    "RunResult": "dataflow.runtime.result",
    "StepContext": "dataflow.runtime.author_code.context",
    "StepResult": "dataflow.runtime.result",
    "Table": "dataflow.runtime.author_code.context",
    "list_workflows": "dataflow.runtime.by_name",
    "load_config": "dataflow.runtime.by_name",
    "load_registry": "dataflow.runtime.by_name",
    "run_workflow": "dataflow.runtime.by_name",
    "validate_config": "dataflow.runtime.by_name",
}


def __getattr__(name: str) -> Any:
    # Each is imported when it is asked for, so that importing the package, as every DAG file does, costs nothing.
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'dataflow' has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "dataflow.errors")), name)
