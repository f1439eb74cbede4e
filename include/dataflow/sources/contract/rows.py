"""What a source's `schema_contract` makes of rows and values that are not as declared, as SQL over its readings.

Most runs never come here: what is strict costs nothing more than a cast, so a source is read leniently only after a
strict read failed, or where undeclared columns came whose rows are not wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dataflow.errors import ContractError
from dataflow.identifiers import literal, quote
from dataflow.interval import Interval
from dataflow.quarantine.fingerprint import as_text
from dataflow.quarantine.store import REASONS, RULES
from dataflow.sources.contract.loss import in_words
from dataflow.sources.contract.misfit import MASK, shorten
from dataflow.sources.contract.way_out import WayOut, in_brackets, ways_out
from dataflow.sources.reading import RawColumn, Reading, SourceFile, select_list, select_of
from dataflow.sources.stamp import is_outside
from dataflow.spec.sources import VARIANT, ContractMode, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["NOTHING", "NO_VERDICT", "TAKES_ROWS", "Judge", "Reason", "Rule", "Verdict"]

Rule = Literal["schema_contract.columns", "schema_contract.data_type", "incremental.cursor"]

TAKES_ROWS: frozenset[ContractMode] = frozenset({"discard_row", "quarantine"})
QUARANTINES: frozenset[ContractMode] = frozenset({"quarantine"})

NOTHING = f"select cast([] as VARCHAR[]) as {RULES}, cast([] as VARCHAR[]) as {REASONS} where false"
"""Quarantines no row, and so ends what an earlier try quarantined."""
MAX_NUMBERED = 200
"""Files whose rows are numbered; of more of them, a reason names the row alone."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something of a reading's rows is not landed as it came."""

    rule: Rule
    mode: ContractMode
    column: RawColumn
    when: str
    """SQL: true for the rows that it is about."""
    ways: tuple[WayOut, ...] = ()
    """The reader's options that would read such values."""

    @property
    def says(self) -> str:
        """What is wrong, behind the column's name and the value."""
        if self.rule == "incremental.cursor":
            return "the cursor is NULL or no time, so nobody can say which run the row belongs to"
        if self.rule == "schema_contract.columns":
            return "not declared in `columns`"
        return f"not a {in_words(self.column.declared or '')}"

    @property
    def text(self) -> str:
        """SQL that tells of one row."""
        name = f'column "{self.column.name}": '
        if self.rule == "incremental.cursor":
            return literal(name + self.says)
        value = literal(MASK) if self.column.sensitive else _shown_value(self.column)
        told = f"{literal(name)} || {value} || {literal(f' is {self.says}')}"
        if not self.ways:
            return told
        raw = f"cast({quote(self.column.raw or '')} as VARCHAR)"
        is_so = " or ".join(way.reads(raw, self.column.declared or "") for way in self.ways)
        return f"{told} || case when {is_so} then {literal(in_brackets(self.ways))} else '' end"


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows one reason was about."""

    reason: Reason
    rows: int
    example: object

    def __str__(self) -> str:
        reason, column = self.reason, self.reason.column
        done = {
            "evolve": f'landed as text in "{column.name}{VARIANT}"',
            "discard_value": "landed as NULL",
            "discard_row": "left out",
            "quarantine": "in quarantine",
        }[reason.mode]
        if reason.rule == "incremental.cursor":
            return f'column "{column.name}": {reason.says}; {_count(self.rows, "row")} {done}'
        like = MASK if column.sensitive else shorten(self.example)
        what = "row" if reason.mode in TAKES_ROWS else "value"
        wrong = f'column "{column.name}": {like} is {reason.says}{in_brackets(reason.ways)}'
        return f"{wrong}; {_count(self.rows, what)} {done}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at all rows found."""

    found: tuple[Found, ...]
    refused_rows: int
    """Rows that are not landed, in quarantine or nowhere."""
    quarantined_rows: int

    @property
    def variants(self) -> frozenset[str]:
        """The columns whose misfits are landed beside them."""
        return frozenset(each.reason.column.name for each in self.found if each.reason.mode == "evolve")

    @property
    def misfits(self) -> tuple[str, ...]:
        """The columns of which some values do not fit their type."""
        return tuple(each.reason.column.name for each in self.found if each.reason.rule == "schema_contract.data_type")


NO_VERDICT = Verdict((), 0, 0)


@dataclass(frozen=True, slots=True)
class Judge:
    """One source's contract, and the range that its rows have to lie in: a row outside of it is nobody's concern."""

    contract: SchemaContract
    cursor_column: str | None = None
    cursor: Interval | None = None

    def reasons(self, reading: Reading) -> list[Reason]:
        """Give everything that may be wrong with a row of this reading, as far as the contract lets it pass."""
        found = []
        if self.contract.data_type != "freeze":
            for column in reading.columns:
                if column.fit.misfit is not None:
                    when = f"({quote(column.raw or '')} is not null and {column.fit.misfit})"
                    found.append(Reason("schema_contract.data_type", self.contract.data_type, column, when))
        for column in reading.undeclared:
            when = f"{quote(column.raw or '')} is not null"
            found.append(Reason("schema_contract.columns", self.contract.columns, column, when))
        cursor = self._cursor_of(reading)
        if cursor is not None and self.contract.data_type in TAKES_ROWS:
            misfit = cursor.fit.misfit or "false"
            fits = f"({quote(cursor.raw or '')} is null or not {misfit})"
            when = f"({fits} and {_moment_of(cursor)} is null)"
            found.append(Reason("incremental.cursor", self.contract.data_type, cursor, when))
        return found

    def refused(self, reading: Reading, modes: frozenset[ContractMode] = TAKES_ROWS) -> str:
        """Give the SQL that is true for the rows of this run that are not landed; never NULL."""
        whens = [reason.when for reason in self.reasons(reading) if reason.mode in modes]
        return f"({self._inside(reading)} and ({' or '.join(whens)}))" if whens else "false"

    def look(self, connection: DuckDBPyConnection, readings: Sequence[Reading]) -> Verdict:
        """Read all rows and count what each reason is about; those about no row are left out."""
        found: dict[tuple[Rule, str], Found] = {}
        refused_rows = quarantined_rows = 0
        for reading in readings:
            reasons = self.reasons(reading)
            inside = self._inside(reading)
            asked = [f"count(*) filter ({self.refused(reading, modes)})" for modes in (TAKES_ROWS, QUARANTINES)]
            for reason in reasons:
                about = f"filter ({inside} and {reason.when})"
                asked += [f"count(*) {about}", f"any_value(cast({quote(reason.column.raw or '')} as VARCHAR)) {about}"]
            query = f"select {', '.join(asked)} from {reading.relation}"
            refused, quarantined, *answer = connection.execute(query).fetchall()[0]
            refused_rows += refused
            quarantined_rows += quarantined
            for reason, rows, example in zip(reasons, answer[::2], answer[1::2], strict=True):
                key = (reason.rule, reason.column.name)
                if rows:
                    known = replace(reason, ways=ways_out(connection, reason.column, value=example))
                    found[key] = Found(known, rows + (found[key].rows if key in found else 0), example)
        return Verdict(tuple(found.values()), refused_rows, quarantined_rows)

    def select(self, readings: Sequence[Reading], verdict: Verdict) -> str:
        """Give the query over the rows that are landed, never raising on what the contract lets pass."""
        variants = verdict.variants
        names = {column.name.lower(): column.name for reading in readings for column in reading.columns}
        for name in variants:
            if (other := names.get(f"{name}{VARIANT}".lower())) is not None:
                raise ContractError(
                    f'column "{name}": what does not fit would be landed in "{other}", which is there already; '
                    "rename it, or declare another `schema_contract`"
                )

        def select(reading: Reading, untyped: Mapping[str, str]) -> str:
            values = {column.name: untyped.get(column.name, self._value(column)) for column in reading.columns}
            for reason in self.reasons(reading):
                if reason.column.name in variants:
                    raw = f"cast({quote(reason.column.raw or '')} as VARCHAR)"
                    values[reason.column.name + VARIANT] = f"case when {reason.when} then {raw} end"
            return f"select {select_list(values)} from {reading.relation} where not {self.refused(reading)}"

        return select_of(readings, select)

    @property
    def quarantines(self) -> bool:
        """Whether rows may have to be set aside."""
        return "quarantine" in (self.contract.columns, self.contract.data_type)

    def quarantined(self, readings: Sequence[Reading], verdict: Verdict = NO_VERDICT) -> str:
        """Give the query over the whole rows that go to quarantine: every column as text, with rules and reasons.

        ``verdict`` knows which options of the reader would read some of them.
        """
        ways = {(each.reason.rule, each.reason.column.name): each.reason.ways for each in verdict.found}
        number_of_files = sum(len(reading.files) for reading in readings)
        selects: list[str] = []
        for reading in readings:
            if reading.undeclared or self.contract.data_type == "quarantine":
                numbered = reading.files if number_of_files <= MAX_NUMBERED else ()
                selects += [self._quarantined(reading, file, ways) for file in numbered or (None,)]
        return " union all by name ".join(selects)

    def _quarantined(
        self, reading: Reading, file: SourceFile | None, ways: Mapping[tuple[Rule, str], tuple[WayOut, ...]]
    ) -> str:
        by_rule: dict[str, list[Reason]] = {}
        for reason in self.reasons(reading):
            if reason.mode == "quarantine":
                known = replace(reason, ways=ways.get((reason.rule, reason.column.name), ()))
                by_rule.setdefault(reason.rule, []).append(known)
        rules, reasons = [], []
        place = f"{literal(f'{reading.shown}: ')} || " if reading.shown else ""
        if file is not None:
            place += f"{literal(f'{file.shown}: row ')} || (dataflow_row + {file.rows_before}) || ': ' || "
        for rule, each in by_rule.items():
            rules.append(f"case when {' or '.join(reason.when for reason in each)} then {literal(rule)} end")
            texts = ", ".join(f"case when {reason.when} then {reason.text} end" for reason in each)
            reasons.append(f"{place}nullif(concat_ws('; ', {texts}), '')")
        values = {column.name: _as_text(column) for column in (*reading.columns, *reading.undeclared)}
        values |= {RULES: _without_null(rules), REASONS: _without_null(reasons)}
        rows = reading.relation
        if file is not None:
            rows = f"(select row_number() over () as dataflow_row, * from {reading.scan([file.path])})"
        return f"select {select_list(values)} from {rows} where {self.refused(reading, QUARANTINES)}"

    def _value(self, column: RawColumn) -> str:
        return column.fit.value if self.contract.data_type == "freeze" else column.fit.attempt

    def _cursor_of(self, reading: Reading) -> RawColumn | None:
        columns = (column for column in reading.columns if column.name == self.cursor_column and column.raw is not None)
        return next(columns, None)

    def _inside(self, reading: Reading) -> str:
        """True unless the row's cursor is known to lie outside of the range."""
        cursor = self._cursor_of(reading)
        if cursor is None or self.cursor is None:
            return "true"
        return f"not coalesce({is_outside(_moment_of(cursor), self.cursor)}, false)"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _moment_of(cursor: RawColumn) -> str:
    return f"try_cast({cursor.fit.attempt} as TIMESTAMPTZ)"


def _as_text(column: RawColumn) -> str:
    if column.raw is None:
        return "cast(null as VARCHAR)"
    return as_text(quote(column.raw), column.kind)


def _without_null(texts: Sequence[str]) -> str:
    return f"list_filter([{', '.join(texts)}], lambda each: each is not null)"


def _shown_value(column: RawColumn) -> str:
    text = f"cast({quote(column.raw or '')} as VARCHAR)"
    return f"'''' || case when length({text}) > 100 then {text}[:100] || '...' else {text} end || ''''"
