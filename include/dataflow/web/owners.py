"""Whose a problem is: that decides who may see it."""

from __future__ import annotations

from dataflow.errors import Problem

__all__ = ["workflow_of"]


def workflow_of(problem: Problem) -> str | None:
    """Give the workflow that a problem's file belongs to; None for a file that several share."""
    parts = problem.path.split("/")
    for place in (("include", "workflows"), ("dbt", "models")):
        if len(parts) > 3 and tuple(parts[:2]) == place:
            return parts[2]
    return None
