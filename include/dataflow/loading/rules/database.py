"""Databases: one place to log in, and one thing to read there."""

from __future__ import annotations

from dataflow.loading.messages import shown
from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.spec.sources import DatabaseSource

__all__ = ["database_is_sound"]

MAX_PARTS = 3
PLACES = ("connection", "url")
THINGS = ("table", "tables", "query")


def database_is_sound(source: DatabaseSource, steps: Steps) -> Findings:
    """Check that exactly one key says where the database is, exactly one what is read, and that a table has a name."""
    places, things = _given(source, PLACES), _given(source, THINGS)
    if not places:
        hint = "the id of an Airflow connection; or url: ${NAME}"
        yield Finding((*steps, "connection"), "where the database is must be said", hint)
    elif len(places) > 1:
        yield Finding((*steps, "url"), "the connection says already where the database is", "keep one", on_key=True)
    if not things:
        yield Finding((*steps, "table"), "what to read must be said", "one of: table, tables, query")
    elif len(things) > 1:
        message = f"the {things[0]} says already what to read"
        yield Finding((*steps, things[1]), message, "keep one; each source gives one table", on_key=True)
    parts = (source.table or "x").split(".")
    if len(parts) > MAX_PARTS or not all(parts):
        hint = "customers or public.customers; for any other name write a `query`"
        yield Finding((*steps, "table"), f"{shown(source.table)} is no name of a table", hint)


def _given(source: DatabaseSource, keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if getattr(source, key) is not None]
