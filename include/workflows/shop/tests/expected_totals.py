"""What the shop's models must say, computed from its files with the standard library alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"


def current_orders(until: str | None = None) -> dict[str, dict[str, str]]:
    """Give the newest version of each order, of those that were written before ``until`` (ISO, UTC)."""
    newest: dict[str, dict[str, str]] = {}
    for path in sorted((DATA / "orders").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if until is not None and row["updated_at"] >= until:
                    continue
                known = newest.get(row["order_id"])
                if known is None or row["updated_at"] > known["updated_at"]:
                    newest[row["order_id"]] = row
    return newest


def daily_revenue(until: str | None = None) -> dict[str, tuple[int, int, int]]:
    """Give orders, revenue and tax of each day, returned orders left out; money in cents."""
    days: dict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for order in current_orders(until).values():
        if order["status"] != "returned":
            count, revenue, tax = days[order["ordered_at"][:10]]
            days[order["ordered_at"][:10]] = (count + 1, revenue + int(order["subtotal"]), tax + int(order["tax_paid"]))
    return dict(days)


if __name__ == "__main__":
    for day, (count, revenue, tax) in sorted(daily_revenue().items()):
        print(day, count, revenue, tax)
