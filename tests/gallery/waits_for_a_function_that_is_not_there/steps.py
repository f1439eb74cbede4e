from __future__ import annotations


def ready(ctx):
    return True


async def closed(ctx, shop):
    return shop == "ours"
