"""What a workflow reads, checks and makes, in Markdown: what Airflow shows behind the DAG's documentation button.

It is made of the config alone. References stay references, and no address shows who logs in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dataflow.durations import format_duration
from dataflow.paths import WORKFLOWS
from dataflow.spec.checks import check_name
from dataflow.spec.schedule import FileSchedule
from dataflow.spec.tables import load_of, tables_of
from dataflow.spec.waiting import wait_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dataflow.loading.workflow import Workflow
    from dataflow.spec.notify import Deadline
    from dataflow.spec.params import Param
    from dataflow.spec.waiting import Waiting
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["describe"]

_PLACES = ("path", "url", "connection", "table", "callable")
"""Of a source: the first that it has says where its rows come from."""
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&!$]")
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")


def describe(workflow: Workflow) -> str:
    """Give the DAG's documentation."""
    spec = workflow.spec
    config = f"{WORKFLOWS.as_posix()}/{workflow.name}/config.yaml"
    schedule = spec.schedule
    parts = {
        "Starts": [f"at each new file {_named(schedule.file)}"] if isinstance(schedule, FileSchedule) else [],
        "Waits for": [f"{wait_kind(each)} {_named(_waited(each))}" for each in spec.wait_for],
        "Reads": _sources(spec),
        "Checks": _checks(workflow),
        "Makes": _tables(spec),
        "Models": [_named(*workflow.models)] if workflow.models else [],
        "Publishes": [_named(*(f"warehouse/{workflow.name}/{table}" for table in workflow.published_tables))],
        "Copies to": [_named(spec.publish.to)] if spec.publish.to else [],
        "Takes": [_param(name, param) for name, param in spec.params.items()],
        "Late": [_deadline(spec.deadline)] if spec.deadline else [],
        "Tells": [f"{_named(each.connection)}: {', '.join(each.events)}" for each in spec.notify],
        "Domain": [_named(spec.domain)] if spec.domain else [],
        "Config": [f"{_named(config)} ({workflow.config_hash})"],
    }
    lines = [spec.description, ""]
    for title, told in parts.items():
        lines += _listed(title, list(told))
    return "\n".join(lines)


def _listed(title: str, told: list[str]) -> Iterator[str]:
    if len(told) == 1:
        yield f"- **{title}** {told[0]}"
    elif told:
        yield f"- **{title}**"
        yield from (f"    - {each}" for each in told)


def _waited(waiting: Waiting) -> str:
    return _USER_INFO.sub("***@", str(getattr(waiting, wait_kind(waiting))))


def _sources(spec: WorkflowSpec) -> Iterable[str]:
    for name, source in spec.sources.items():
        place = next((str(value) for each in _PLACES if (value := getattr(source, each, None))), "")
        told = f"{_named(name)}: {source.type}" + (f" {_named(_USER_INFO.sub('***@', place))}" if place else "")
        cursor = source.incremental.cursor if source.incremental else None
        about = f", {source.description}" if source.description else ""
        new = f", what is new by {_named(cursor)}" if cursor else ""
        has_contract = "schema_contract" in source.model_fields_set
        contract = f", contract {_named(source.schema_contract)}" if has_contract else ""
        yield told + new + contract + about


def _checks(workflow: Workflow) -> Iterable[str]:
    for task in workflow.plan.tasks:
        if task.kind == "validate" and task.table is not None:
            named = [check_name(check) for check in workflow.spec.validate_.get(task.table, ())]
            yield f"{_named(task.table)}: " + (_named(*named) if named else f"in {_named('validation.py')}")


def _tables(spec: WorkflowSpec) -> Iterable[str]:
    for table in tables_of(spec):
        mode, load = load_of(spec, table)
        yield f"{_named(table)}: {mode}" + (f" by {_named(*load.key)}" if mode == "merge" and load.key else "")


def _param(name: str, param: Param) -> str:
    kind = f"one of {_named(*map(_written, param.enum))}" if param.enum else param.format or param.type
    default = "" if param.default is None else f" = {_named(_written(param.default))}"
    told = ", ".join(text for text in (param.title, param.description) if text)
    return f"{_named(name)}: {kind}{default}" + (f", {told}" if told else "")


def _written(value: Any) -> str:
    """Give a param's value as the config and a run's JSON have it: ``false``, not ``False``."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _deadline(deadline: Deadline) -> str:
    since = "it was queued" if deadline.of == "queued" else "its window began"
    return f"{format_duration(deadline.within)} after {since}"


def _named(*names: Any) -> str:
    """Give names and values as emphasis, no character of theirs read as Markdown.

    Not as code: Airflow's page lays the background of each line's code over the underscores of the line above.
    """
    texts = (_MARKUP.sub(r"\\\g<0>", " ".join(str(name).split())) for name in names)
    return ", ".join(f"*{text}*" for text in texts)
