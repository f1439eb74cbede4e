from __future__ import annotations


def orders(ctx, size=10):
    yield [{"order_id": number} for number in range(size)]
