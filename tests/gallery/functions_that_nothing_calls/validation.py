from __future__ import annotations


def order(ctx, orders):
    yield from _judged(ctx, orders)
    yield from shared(ctx, orders)


def freshness(ctx, orders):
    yield orders


def _judged(ctx, freshness):
    yield freshness


def shared(ctx, orders):
    yield orders
