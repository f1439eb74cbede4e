"""Who answers for a workflow, and where they are reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["LINK_PATTERN", "Link"]

LINK_PATTERN = r"^(https?://[^\s/@]+(/\S*)?|mailto:\S+@\S+)$"

Link = Annotated[str, Field(pattern=LINK_PATTERN)]
"""A page, or ``mailto:`` and an address; never with a password in it."""
