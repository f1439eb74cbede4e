from __future__ import annotations

from .settings_of_ours import LEAST


def orders(ctx, orders):
    yield LEAST
