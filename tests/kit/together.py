"""Processes that do one thing at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

__all__ = ["eight_at_once"]


def eight_at_once(work: Callable[[int], Any]) -> list[Any]:
    """Have eight processes call it with their number once all of them are there; give what each gave."""
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()

    def begin(number: int) -> None:
        start.wait()
        results.put(work(number))

    processes = [context.Process(target=begin, args=(number,)) for number in range(8)]
    for process in processes:
        process.start()
    start.set()
    given = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return given
