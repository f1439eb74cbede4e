from __future__ import annotations


def orders(ctx, orders):
    yield from shared(ctx, orders)


def shared(ctx, orders):
    yield orders
