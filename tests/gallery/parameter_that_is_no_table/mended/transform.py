from __future__ import annotations


def orders(ctx, orders, customers):
    return orders.join(customers, "order_id")
