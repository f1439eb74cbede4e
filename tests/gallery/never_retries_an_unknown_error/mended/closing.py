from __future__ import annotations


class ShopClosed(Exception):
    pass
