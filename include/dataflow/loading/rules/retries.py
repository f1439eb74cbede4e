"""Errors that are never tried again: classes that somebody defines."""

from __future__ import annotations

import builtins
from functools import cache

from dataflow import errors
from dataflow.loading.rules.subject import Finding, Findings, Subject
from dataflow.near_miss import did_you_mean

__all__ = ["never_retried_errors_exist"]


def never_retried_errors_exist(subject: Subject) -> Findings:
    """Check that each class in ``never_retry`` is one of ours, of Python's or of the workflow's modules.

    One with a dot is a library's, which is not looked at.
    """
    named = subject.spec.never_retry
    if all(name in _known_everywhere() or "." in name for name in named):
        return
    there = set(_known_everywhere())
    for name in subject.modules.beside("ingestion"):
        module = subject.modules.get(name)
        if module is not None:
            if module.is_open or module.problem is not None:
                return
            there |= {*module.other_names, *module.imports}
    for index, name in enumerate(named):
        if name not in there and "." not in name:
            way_out = f"define it in one of the workflow's modules, or name a library's with its package: httpx.{name}"
            yield Finding(
                ("never_retry", index),
                f"no error is called '{name}' here",
                did_you_mean(name, sorted(there)) or way_out,
            )


@cache
def _known_everywhere() -> frozenset[str]:
    ours = {name for name in errors.__all__ if _is_error(getattr(errors, name))}
    return frozenset(ours | {name for name, value in vars(builtins).items() if _is_error(value)})


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
