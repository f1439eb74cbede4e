"""Cut what `jafgen` wrote into one file a day, with updates of earlier orders and rows that arrive late.

``jafgen 1`` writes ``jaffle-data/raw_*.csv``: a year of a made-up shop. From its first 60 days this script makes
``orders/<day>.csv`` and ``items/<day>.csv`` (what arrived on that day), ``customers.csv``, ``products.csv`` and
``stores.csv`` beside itself. Of all orders about 8 % are returned and 4 % corrected one to three days later, and
about 2 % of all order rows arrive one or two days after they were written. The same input gives the same files.

    python make_data.py path/to/jaffle-data
"""

from __future__ import annotations

import csv
import random
import shutil
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

DAYS = 60
ORDER = [
    "order_id",
    "customer_id",
    "store_id",
    "ordered_at",
    "updated_at",
    "status",
    "subtotal",
    "tax_paid",
    "order_total",
]
ITEM = ["item_id", "order_id", "sku", "ordered_at"]

HERE = Path(__file__).parent


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one of jafgen's files."""
    with (folder / f"raw_{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, columns: list[str], rows: list[dict[str, object]]) -> None:
    """Write one of ours."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def stamp(moment: datetime) -> str:
    """Write a moment in UTC."""
    return moment.isoformat() + "Z"


def versions(raw: dict[str, str], chance: random.Random) -> list[tuple[datetime, dict[str, object]]]:
    """Give an order as it was placed and as it was changed later, each with the moment of the change."""
    ordered = datetime.fromisoformat(raw["ordered_at"])
    order: dict[str, object] = {
        "order_id": raw["id"],
        "customer_id": raw["customer"],
        "store_id": raw["store_id"],
        "ordered_at": stamp(ordered),
        "updated_at": stamp(ordered),
        "status": "placed",
        "subtotal": int(raw["subtotal"]),
        "tax_paid": int(raw["tax_paid"]),
        "order_total": int(raw["order_total"]),
    }
    rows = [(ordered, order)]
    draw = chance.random()
    changed = ordered + timedelta(hours=chance.randint(20, 70), seconds=chance.randint(0, 3_599))
    if draw < 0.08:
        rows.append((changed, {**order, "updated_at": stamp(changed), "status": "returned"}))
    elif draw < 0.12:
        discount = int(raw["subtotal"]) // 10
        totals = {"subtotal": int(raw["subtotal"]) - discount, "order_total": int(raw["order_total"]) - discount}
        rows.append((changed, {**order, **totals, "updated_at": stamp(changed), "status": "corrected"}))
    return rows


def main(folder: Path) -> None:
    """Write all files."""
    chance = random.Random(20180901)
    raw_orders = sorted(read(folder, "orders"), key=lambda row: (row["ordered_at"], row["id"]))
    first = datetime.fromisoformat(raw_orders[0]["ordered_at"]).date()
    raw_orders = [
        row for row in raw_orders if datetime.fromisoformat(row["ordered_at"]).date() < first + timedelta(days=DAYS)
    ]
    orders: dict[str, list[dict[str, object]]] = defaultdict(list)
    ordered_at: dict[str, str] = {}
    for raw in raw_orders:
        ordered_at[raw["id"]] = raw["ordered_at"]
        for moment, row in versions(raw, chance):
            late = timedelta(days=chance.randint(1, 2)) if chance.random() < 0.02 else timedelta(0)
            orders[(moment + late).date().isoformat()].append(row)
    items: dict[str, list[dict[str, object]]] = defaultdict(list)
    for raw in read(folder, "items"):
        if raw["order_id"] in ordered_at:
            moment = datetime.fromisoformat(ordered_at[raw["order_id"]])
            row = {"item_id": raw["id"], "order_id": raw["order_id"], "sku": raw["sku"], "ordered_at": stamp(moment)}
            items[moment.date().isoformat()].append(row)
    for name, columns, days in (("orders", ORDER, orders), ("items", ITEM, items)):
        shutil.rmtree(HERE / name, ignore_errors=True)
        for day, rows in sorted(days.items()):
            write(HERE / name / f"{day}.csv", columns, rows)
    buyers = {row["customer"] for row in raw_orders}
    customers = [row for row in read(folder, "customers") if row["id"] in buyers]
    kept = {
        "customers": (["customer_id", "name"], [{"customer_id": c["id"], "name": c["name"]} for c in customers]),
        "products": (["sku", "name", "type", "price"], read(folder, "products")),
        "stores": (
            ["store_id", "name", "opened_at", "tax_rate"],
            [{**s, "store_id": s["id"], "opened_at": s["opened_at"] + "Z"} for s in read(folder, "stores")],
        ),
    }
    for name, (columns, rows) in kept.items():
        write(HERE / f"{name}.csv", columns, [{column: row[column] for column in columns} for row in rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
