"""What the tests of author SQL share."""

from __future__ import annotations

from kit.houses import house

__all__ = ["house"]
