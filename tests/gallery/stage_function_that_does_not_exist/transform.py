from __future__ import annotations


def clean_orders(ctx, orders):
    return orders
