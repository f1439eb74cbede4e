"""Checks: that what stands beside one goes together with its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.checks import TABLE_WIDE, Check, check_kind, check_name
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["all_checks", "checks_are_sound"]


def checks_are_sound(subject: Subject) -> Findings:
    """Refuse keys that a check would not heed, and figures that history may not hold or could not tell apart."""
    sensitive = _sensitive(subject.spec)
    seen: set[tuple[str, str]] = set()
    for steps, table, check in all_checks(subject.spec):
        kind = check_kind(check)
        if kind in TABLE_WIDE and "max_failures" in check.model_fields_set:
            hint = "no single row fails it; leave `max_failures` out"
            yield Finding((*steps, "max_failures"), f"{kind} judges the table as a whole", hint, on_key=True)
        if check.schema_ is not None and check.where is not None:
            hint = "leave `where` out"
            yield Finding((*steps, "where"), "schema judges columns, and no rows", hint, on_key=True)
        if check.anomaly is None:
            continue
        yield from _is_no_secret((*steps, "anomaly", "column"), check, sensitive)
        name = (f"{steps[0]} {table}", check_name(check))
        if name in seen:
            hint = "give one of them a `name`: by it its earlier figures are found"
            yield Finding(steps, f"a second anomaly is called '{name[1]}' here", hint)
        seen.add(name)


def all_checks(spec: WorkflowSpec) -> Iterator[tuple[Steps, str, Check]]:
    """Give each check with its place and its table, those of stages too."""
    for table, checks in spec.validate_.items():
        for index, check in enumerate(checks):
            yield ("validate", table, index), table, check
    for table, transform in spec.transform.items():
        for index, stage in enumerate(transform.stages):
            if stage.check is not None:
                yield ("transform", table, "stages", index, "check"), table, stage.check


def _is_no_secret(steps: Steps, check: Check, sensitive: Iterable[str]) -> Findings:
    argument = check.anomaly
    if argument is None or argument.metric == "null_rate" or (argument.column or "").lower() not in sensitive:
        return
    message = f"run history would keep the {argument.metric} of '{argument.column}', which is sensitive"
    yield Finding(steps, message, "of a sensitive column only the null_rate is told")


def _sensitive(spec: WorkflowSpec) -> frozenset[str]:
    return frozenset(
        name.lower() for source in spec.sources.values() for name, column in source.columns.items() if column.sensitive
    )
