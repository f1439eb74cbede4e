"""What a config says of its sources, as anybody may read it who may read the workflow."""

from __future__ import annotations

import re
from typing import Any

from dataflow.spec.resolved import with_texts
from dataflow.spec.sources import Source, SourceBase
from dataflow.spec.tables import base_source, tables_of
from dataflow.spec.workflow import WorkflowSpec
from dataflow.web.detail_answers import ColumnAnswer, SourceDetail, TableDetail

__all__ = ["describe_sources", "describe_tables", "shown_secret"]

HIDDEN = "***"
TOLD_APART = {"type", "description", "columns"}
_REFERENCE = re.compile(r"(?<!\$)\$\{((?:conn:|var:)?[^{}:]+)(?::-[^{}]*)?\}")
_PASSWORD = re.compile(r"(?<=://)([^/?#\s:@]*:)([^/?#\s@]+)@")
_FILE = re.compile(r"sqlite:///[^@?$]*\Z")


def describe_sources(spec: WorkflowSpec) -> list[SourceDetail]:
    """Give each source with all that is written of it."""
    return [
        SourceDetail(name=name, type=source.type, description=source.description, config=_written(source))
        for name, source in spec.sources.items()
    ]


def describe_tables(spec: WorkflowSpec) -> list[TableDetail]:
    """Give each loaded table with the columns that its source declares."""
    found = []
    for table in tables_of(spec):
        name = base_source(spec, table)
        columns = spec.sources[name].columns if name else {}
        declared = [
            ColumnAnswer(
                name=column, type=said.type, description=said.description, path=said.path, sensitive=said.sensitive
            )
            for column, said in columns.items()
        ]
        types = {each.name: each.type for each in declared}
        found.append(TableDetail(name=table, columns=types, declared=declared))
    return found


def shown_secret(text: str) -> str:
    """Give a secret as the page shows it: its references by name, and ``***`` for all that is written beside them.

    The path of a SQLite file is no secret.
    """
    if _FILE.match(text):
        return text
    # Of a split with one group every second part is a name; defaults of references are dropped.
    parts = _REFERENCE.split(text)
    return "".join(f"${{{part}}}" if place % 2 else (HIDDEN if part else "") for place, part in enumerate(parts))


def _written(source: Source) -> dict[str, Any]:
    shown: SourceBase = with_texts(
        source, lambda _, text, is_secret: shown_secret(text) if is_secret else _without_password(text)
    )
    return shown.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=TOLD_APART)


def _without_password(text: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1]}{shown_secret(found[2])}@", text)
