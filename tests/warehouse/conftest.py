"""What the warehouse's tests share."""

from __future__ import annotations

from kit.houses import either, house, lake

__all__ = ["either", "house", "lake"]
