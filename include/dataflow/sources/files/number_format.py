"""How a file writes its numbers: with a separator of thousands, with another decimal point."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dataflow.identifiers import literal

__all__ = ["NumberFormat", "number_format"]

NO_NUMBER = "?"
"""No cast takes it."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What stands between thousands, empty for nothing, and before a fraction."""

    thousands: str = ""
    point: str = "."

    def plain(self, expression: str) -> str:
        """Give the SQL that writes a number's text as DuckDB's casts know it; as no number what is not of this form."""
        if not self.thousands:
            return self._with_point(expression)
        separator = re.escape(self.thousands)
        groups = f"[+-]?[0-9]{{1,3}}({separator}[0-9]{{3}})+"
        form = rf"{groups}({re.escape(self.point)}[0-9]*)?([eE][+-]?[0-9]+)?"
        joined = self._with_point(f"replace(trim({expression}), {literal(self.thousands)}, '')")
        return (
            f"case when not contains(trim({expression}), {literal(self.thousands)}) "
            f"then {self._with_point(expression)} "
            f"when regexp_full_match(trim({expression}), {literal(form)}) then {joined} "
            f"else {literal(NO_NUMBER)} end"
        )

    def written(self, expression: str) -> str:
        """Give the SQL that writes a plain number's text in this form, which `plain` undoes."""
        return f"replace({expression}, '.', {literal(self.point)})"

    def _with_point(self, expression: str) -> str:
        if self.point == ".":
            return expression
        # A point that separates nothing makes no number.
        return f"translate({expression}, {literal('.' + self.point)}, {literal(NO_NUMBER + '.')})"


def number_format(options: Mapping[str, object]) -> NumberFormat | None:
    """Give what a reader's ``thousands`` and ``decimal_separator`` say; None where numbers are written as always."""
    form = NumberFormat(str(options.get("thousands", "")), str(options.get("decimal_separator", ".")))
    return None if form == NumberFormat() else form
