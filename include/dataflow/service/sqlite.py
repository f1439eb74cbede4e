"""How Airflow opens a metadata database that is a SQLite file; Airflow imports it by name."""

from __future__ import annotations

from typing import Any

__all__ = ["CONNECT_ARGS"]

CONNECT_ARGS: dict[str, Any] = {"timeout": 60.0}
"""Seconds that a write waits for another's; after Python's own 5 a busy scheduler makes API requests fail."""
