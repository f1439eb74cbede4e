from __future__ import annotations

from shop_client import read_orders


def orders(ctx):
    yield from read_orders(ctx)
