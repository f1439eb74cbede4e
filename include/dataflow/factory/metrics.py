"""What tasks count, for Airflow's own metrics: StatsD, OpenTelemetry or Datadog, as Airflow is configured."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from dataflow.runtime.request import Count

__all__ = ["counter_of"]

_log = logging.getLogger("dataflow.factory")


def counter_of(workflow: str, task_id: str) -> Count:
    """Give what counts for a task: ``dataflow.<name>`` with tags.

    Where Airflow exports names with variables in them, for systems without tags, so do we:
    ``dataflow.<workflow>.<task>.<name>``, the dots of the task's id being ``__`` as in Airflow's own.
    """

    def count(name: str, amount: float, /, **tags: str) -> None:
        found = {f"dataflow.{name}": {"workflow": workflow, "task": task_id, **tags}}
        if conf.getboolean("metrics", "legacy_names_on", fallback=True):
            found[f"dataflow.{workflow}.{task_id.replace('.', '__')}.{name}"] = tags
        try:
            for metric, of in found.items():
                if name == "lock_wait":
                    stats.timing(metric, timedelta(seconds=amount), tags=of)
                else:
                    stats.incr(metric, int(amount), tags=of)
        except Exception:  # noqa: BLE001  # a task's work is worth more than its metric
            _log.debug("metric %s could not be sent", name, exc_info=True)

    return count
