from __future__ import annotations


def orders(ctx, orders, custmers):
    return orders.join(custmers, "order_id")
