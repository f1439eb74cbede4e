"""The workflow that benchmarks make hundreds of, `shop_0000` and so on: what its configs and its projects share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["AT_TWO_IN_BERLIN", "HEAD", "ORDERS", "REPOSITORY", "RETRIES", "clean_environment", "write_configs"]

REPOSITORY = Path(__file__).resolve().parents[1]

HEAD = """\
title: Orders of shop {number:04}
description: Made-up orders, one batch a day.
owner: benchmarks
tags: [benchmark, daily]
start_date: 2025-01-01
"""
AT_TWO_IN_BERLIN = """\
schedule:
  cron: "0 2 * * *"
  timezone: Europe/Berlin
"""
RETRIES = """\
retries: 3
retry_delay: 2m
"""
ORDERS = """\
sources:
  orders:
    type: mock
    rows: 100
    columns:
      order_id: BIGINT
      status: VARCHAR
"""
"""More of its columns may follow, and another source."""


def write_configs(root: Path, workflows: int, config: Callable[[int], str]) -> None:
    """Write so many workflows; ``config`` gives the text of one, by its number."""
    for number in range(workflows):
        folder = root / "include" / "workflows" / f"shop_{number:04}"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(config(number), encoding="utf-8")


def clean_environment() -> dict[str, str]:
    """Give this process's environment without settings of the machine; only workflows become DAGs in it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("DATAFLOW_", "AIRFLOW"))}
    return {**mine, "DATAFLOW_MAINTENANCE": "off"}
