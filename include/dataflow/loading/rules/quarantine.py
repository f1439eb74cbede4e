"""Quarantine: only of rows, and only before they are loaded."""

from __future__ import annotations

from dataflow.loading.rules.subject import Finding, Findings, Subject
from dataflow.spec.checks import CHECK_KINDS, TABLE_WIDE, check_kind

__all__ = ["quarantined_rows_are_known"]


def quarantined_rows_are_known(subject: Subject) -> Findings:
    """Refuse ``on_fail: quarantine`` where a check cannot say which rows, or judges no batch that they may leave."""
    for table, checks in subject.spec.validate_.items():
        for index, check in enumerate(checks):
            kind = check_kind(check)
            if check.on_fail == "quarantine" and kind in TABLE_WIDE:
                those = ", ".join(each for each in CHECK_KINDS if each not in TABLE_WIDE)
                hint = f"write error or warn; those that do: {those}"
                message = f"`{kind}` does not say which rows fail, so none can be quarantined"
                yield Finding(("validate", table, index, "on_fail"), message, hint)
    for table, transform in subject.spec.transform.items():
        for index, stage in enumerate(transform.stages):
            if stage.check is not None and stage.check.on_fail == "quarantine":
                hint = "write the check in `validate`, or leave the rows out with a `filter` stage"
                message = "a `check` stage cannot quarantine rows: they are not what the source delivered any more"
                yield Finding(("transform", table, "stages", index, "check", "on_fail"), message, hint)
