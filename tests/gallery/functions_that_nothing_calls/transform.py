from __future__ import annotations


def orders(ctx, orders):
    return orders
