"""A process that has dbt parse one workflow after the other, as ``python -m dataflow.modelling.parse``.

It reads one JSON request a line and answers each with one JSON line. dbt is imported once, which is most of what a
parse costs, and an environment that dbt half read, or a crash, stays out of the process that asked.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # dbt writes to standard output, which is for answers alone
    for line in sys.stdin:
        answers.write(json.dumps(parse(json.loads(line))) + "\n")
        answers.flush()


def parse(request: dict[str, Any]) -> dict[str, Any]:
    """Have dbt parse; ``error`` is dbt's message, None where it succeeded."""
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    os.environ.update(request["env"])
    try:
        result = dbtRunner().invoke(["--quiet", "--log-level-file", "none", "parse", *request["flags"]])
    finally:
        reset_adapters()  # type: ignore[no-untyped-call]
    if result.success:
        return {"error": None}
    return {"error": str(result.exception or "dbt parse failed")}


if __name__ == "__main__":
    main()
