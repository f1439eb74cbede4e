from __future__ import annotations

from shop_client import clean


def orders(ctx, orders):
    return clean(ctx, orders)
