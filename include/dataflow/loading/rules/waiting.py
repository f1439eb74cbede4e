"""What a run waits for: places that can be looked at, functions that exist, no names that a run does not have yet."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.errors import Problem
from dataflow.loading.messages import shown
from dataflow.loading.rules.functions import find_function
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.schedule import period_of
from dataflow.spec.waiting import bucket_of, wait_kind

__all__ = ["awaited_things_are_sound"]


def awaited_things_are_sound(subject: Subject) -> Iterator[Finding | Problem]:
    """Check each item of ``wait_for``."""
    for index, each in enumerate(subject.spec.wait_for):
        kind = wait_kind(each)
        steps: Steps = ("wait_for", index, kind)
        text = str(getattr(each, kind))
        if kind == "file" and "://" in text and "${" not in text and bucket_of(text) is None:
            hint = "a path, or s3://connection@bucket/key; for a web address write http"
            yield Finding(steps, f"{shown(text)} is no place that is watched", hint)
        elif kind == "http" and not text.startswith(("http://", "https://", "${")):
            yield Finding(steps, f"{shown(text)} is no address", "it begins with https:// or http://")
        elif kind == "python":
            yield from _function_fits(subject, steps, text)
        yield from _names_are_there(subject, steps, text)


def _names_are_there(subject: Subject, steps: Steps, text: str) -> Findings:
    if "{{" not in text:
        return
    if "cursor." in text:
        yield Finding(steps, "there is no cursor before a source is read", "write window. for cursor.")
    if "partition_key" in text and period_of(subject.spec.schedule) is None:
        yield Finding(steps, "there is no partition_key without a partitioned schedule", "give schedule.partition")


def _function_fits(subject: Subject, steps: Steps, reference: str) -> Iterator[Finding | Problem]:
    function = find_function(subject, reference, steps, default_module="steps")
    if isinstance(function, Finding):
        yield function
    elif function is not None and not function.is_decorated:
        if function.is_async:
            yield function.problem("is async, and nobody awaits it", "write `def`")
        if not function.takes_context or any(each.is_required for each in function.parameters[1:]):
            yield function.problem("is called with `ctx` alone", f"write def {function.name}(ctx)")
