from __future__ import annotations


def orders(ctx, order):
    yield order
