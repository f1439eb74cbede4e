from __future__ import annotations


def orders(ctx, size):
    yield [{"order_id": number} for number in range(size)]
