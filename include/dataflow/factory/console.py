"""A listener that keeps secrets out of what Airflow's programs write to their consoles.

Airflow's local executor copies each line of a task's log to the scheduler's output, and of the two it masks only the
file. The mask is put into the logging of a program when it starts, before it runs a task.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import structlog
from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from structlog.typing import Processor

__all__ = ["on_starting"]


@hookimpl
def on_starting(component: object) -> None:  # noqa: ARG001  # Airflow's name for what starts
    """Mask what this program logs, through structlog and through Python's own logging."""
    _mask_last(structlog.get_config()["processors"], before_writing=True)
    for handler in logging.getLogger().handlers:
        chain = getattr(handler.formatter, "foreign_pre_chain", None)
        if chain is not None:
            _mask_last(chain, before_writing=False)


def _mask_last(processors: list[Processor], *, before_writing: bool) -> None:
    """Let the mask see all that is written. In place: loggers that wrote already hold this very list."""
    from airflow.sdk.log import mask_logs

    if mask_logs not in processors:
        processors.insert(len(processors) - before_writing, mask_logs)
