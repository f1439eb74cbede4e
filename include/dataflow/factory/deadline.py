"""When a run is late, as Airflow's deadline alert.

The alert runs in the triggerer: runs that hang may well hold every slot of the workers, and it comes all the same.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from dataflow.durations import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow

__all__ = ["deadline_alert", "run_is_late"]

_REFERENCES = {
    "queued": DeadlineReference.DAGRUN_QUEUED_AT,
    "logical_date": DeadlineReference.DAGRUN_LOGICAL_DATE,
}
_log = logging.getLogger("dataflow.notify")


def deadline_alert(workflow: Workflow) -> DeadlineAlert | None:
    """Give what ``DAG(deadline=...)`` takes; None where the workflow has none."""
    spec = workflow.spec
    if spec.deadline is None:
        return None
    return DeadlineAlert(
        reference=_REFERENCES[spec.deadline.of],
        interval=spec.deadline.within,
        # By what it needs, not by the workflow: a triggerer may have no DAG files.
        callback=AsyncCallback(
            run_is_late,
            kwargs={
                "title": spec.title or workflow.name,
                "owner": spec.owner,
                "within": format_duration(spec.deadline.within),
                "of": spec.deadline.of,
                "notify": [each.model_dump(mode="json") for each in spec.notify if "late" in each.events],
            },
        ),
    )


async def run_is_late(
    *, title: str, owner: str, within: str, of: str, notify: list[dict[str, Any]], context: Mapping[str, Any]
) -> None:
    """Write that a run is late, and tell those who want to know; Airflow calls it once for each run and deadline."""
    # Databases and mail servers would keep every other trigger of this process waiting.
    await asyncio.to_thread(_tell, title, owner, within, of, notify, context)


def _tell(  # noqa: PLR0917
    title: str, owner: str, within: str, of: str, notify: list[dict[str, Any]], context: Mapping[str, Any]
) -> None:
    from dataflow.factory.notify import link_of_run, tell
    from dataflow.runtime.telling.news import News, news_of_lateness
    from dataflow.settings import current_settings
    from dataflow.spec.notify import Notify

    run, settings = context["dag_run"], current_settings()
    dag_id, run_id = run["dag_id"], run["dag_run_id"]
    known = News("late", dag_id, title, owner, run_id, link=link_of_run(dag_id, run_id))
    news = news_of_lateness(
        known, settings=settings, deadline_id=context["deadline"]["id"], within=parse_duration(within), of=of
    )
    if news is None:
        _log.info("%s: told before that it is late", run_id)
        return
    tell(news, [Notify.model_validate(each) for each in notify], settings=settings)
