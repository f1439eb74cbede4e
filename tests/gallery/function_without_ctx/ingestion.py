from __future__ import annotations


async def orders(size=10):
    yield [size]
