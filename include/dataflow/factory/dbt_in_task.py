"""What surrounds dbt in a task of the group: the run and its window, one pass of a run, and what is given back."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dataflow import connections
from dataflow.errors import ConfigError, FatalError, InputError, RunSuperseded
from dataflow.modelling.environment import PROJECT_NAME, dbt_environment
from dataflow.modelling.manifest import manifest_path, partial_parse_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.loading.workflow import Workflow
    from dataflow.runtime.request import RunRequest
    from dataflow.settings import Settings

__all__ = ["RunInProcess", "trust_only_this_pass"]

REPORT_OF = "dataflow_report_of"
"""The XCom in which the producer says in which pass of the run it built: how often the run had been cleared."""


def trust_only_this_pass(context: Mapping[str, Any]) -> None:
    """Have a watching task run dbt itself where the producer's report is from before the run was last cleared.

    The producer does not build again then, and its report stays until its next try starts: a task that believed it
    would succeed, or fail, on what is no longer so.
    """
    ti = context["ti"]
    task = ti.task
    producer = getattr(task, "producer_task_id", None)
    built = ti.xcom_pull(task_ids=producer, key=REPORT_OF) if producer else None
    if built is not None and built != _pass_of(context):
        task.poke = partial(_run_itself, task)


def _run_itself(task: Any, context: Any) -> bool:
    return bool(task._fallback_to_non_watcher_run(context["ti"].try_number, context))


def _pass_of(context: Mapping[str, Any]) -> int:
    return int(context["dag_run"].clear_number or 0)


class RunInProcess:
    """What surrounds every dbt invocation of the group, whichever task makes it.

    Cosmos calls it as an interceptor: in the task, with the operator that is about to run dbt.
    """

    def __init__(self, workflow: Workflow, settings: Settings) -> None:
        self._workflow = workflow
        self._settings = settings

    def __call__(self, context: dict[str, Any], operator: Any) -> None:
        """Give dbt the run and its window, and see to it that the warehouse is given back."""
        from dataflow.factory.tasks import airflow_connection, request_from
        from dataflow.runtime.steps.dbt_run import before_dbt

        log = logging.getLogger(f"dataflow.{self._workflow.name}")
        connections.look_up_with(airflow_connection)  # of a DuckLake, which dbt opens in this process
        request = request_from(self._workflow, context, log=log)
        try:
            window = before_dbt(self._workflow, self._settings, request)
        except RunSuperseded as exc:
            raise AirflowSkipException(str(exc)) from exc
        except (FatalError, InputError, ConfigError) as exc:
            raise AirflowFailException(str(exc)) from exc
        operator.env = {**(operator.env or {}), **dbt_environment(self._settings, self._workflow), **window}
        if operator.cache_dir is not None:
            _offer_partial_parse(partial_parse_path(manifest_path(self._settings, self._workflow)), operator.cache_dir)
        if not hasattr(operator, "producer_task_id"):
            context["ti"].xcom_push(key=REPORT_OF, value=_pass_of(context))
        operator.run_dbt_runner = partial(self._run, operator.run_dbt_runner, request)

    def _run(self, run: Callable[..., Any], request: RunRequest, **named: Any) -> Any:
        """Have Cosmos run dbt; whatever happens, close what it left open and give the warehouse back."""
        from dataflow.modelling.build import error_of
        from dataflow.runtime.steps.dbt_run import after_dbt
        from dataflow.warehouse.dbt.session import release_after_dbt

        _bring_compiled_sql_up(Path(named["cwd"], "target", "compiled", PROJECT_NAME, "models"), self._workflow.name)
        error = "dbt was interrupted"
        try:
            result = run(**named)
            error = error_of(result)
        except Exception as exc:
            error = str(exc)
            raise
        finally:
            release_after_dbt()
            after_dbt(self._workflow, self._settings, request, error=error)
        return result


def _bring_compiled_sql_up(models: Path, workflow: str) -> None:
    """Make the folder of the workflow's compiled models the one above it, where Cosmos looks for them."""
    models.mkdir(parents=True, exist_ok=True)
    (models / workflow).symlink_to(".")


def _offer_partial_parse(compiled: Path, cache: Path) -> None:
    """Put what compile parsed where Cosmos looks for a warm start, unless a task put a newer one there."""
    cached = cache / "target" / "partial_parse.msgpack"
    if not compiled.exists() or (cached.exists() and cached.stat().st_mtime >= compiled.stat().st_mtime):
        return
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as file:
        shutil.copyfile(compiled, file.name)
    Path(file.name).replace(cached)
