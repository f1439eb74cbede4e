"""The rows of a table on their way through its stages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from dataflow.identifiers import literal, quote
from dataflow.queries import RESERVED_PREFIX, columns_of, find_column, run_single
from dataflow.sensitive import HIDDEN, NOTHING_SENSITIVE, Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from dataflow.interval import Interval

__all__ = ["Rows", "is_reserved", "refuse_twins"]


def is_reserved(name: str) -> bool:
    """Tell whether a column's name is ours."""
    return name.lower().startswith(RESERVED_PREFIX)


def refuse_twins(names: Iterable[str]) -> None:
    """Raise a ValueError for a name that is there twice; DuckDB does not tell upper from lower case."""
    twins = sorted(name for name, count in Counter(name.lower() for name in names).items() if count > 1)
    if twins:
        raise ValueError(f"two columns would be called '{twins[0]}'; give one of them another name")


@dataclass(slots=True)
class Rows:
    """The rows so far: a temporary view or table that the next stage reads."""

    connection: duckdb.DuckDBPyConnection
    name: str
    """The output table."""
    window: Interval
    relation: str | None = None
    """Unqualified; None before the first stage of a table made from others."""
    columns: dict[str, str] = field(default_factory=dict)
    """Names and DuckDB types, in order."""
    sensitive: Sensitive = NOTHING_SENSITIVE
    """What no message tells."""
    _mark: str = field(default_factory=lambda: uuid4().hex[:8])
    _made: int = 0
    _tables: list[str] = field(default_factory=list)
    _shown: bool = False

    @property
    def sql(self) -> str:
        """The rows, to stand after FROM."""
        return quote(self.relation or "")

    @property
    def own_columns(self) -> list[str]:
        """The author's columns, in order."""
        return [column for column in self.columns if not is_reserved(column)]

    @property
    def reserved_columns(self) -> list[str]:
        """Ours: the run, window and cursor that each row came with."""
        return [column for column in self.columns if is_reserved(column)]

    def find(self, name: str) -> str:
        """Give an author's column as the table spells it.

        Raises:
            ValueError: when there is none, or it is ours.
        """
        if is_reserved(name):
            raise ValueError(f"'{name}' is reserved: columns that begin with {RESERVED_PREFIX} are dataflow's own")
        return find_column(self.own_columns, name)

    def shown(self, column: str, value: object) -> str:
        """Give a value as messages show it."""
        return HIDDEN if self.sensitive.hides(column) else repr(value)

    def project(self, query: str) -> None:
        """Let a query that only renames, reorders or leaves out columns give the rows from here on."""
        relation = self._next()
        run_single(self.connection, f"CREATE TEMP VIEW {quote(relation)} AS {query}")
        self._move_to(relation)

    def compute(self, query: str) -> None:
        """Run a query now and let its result be the rows from here on.

        Computed once: an error belongs to its stage, and a function such as ``random()`` gives one value.
        """
        relation = self._next()
        run_single(self.connection, f"CREATE TEMP TABLE {quote(relation)} AS {query}")
        for table in self._tables:
            # Views over these tables stay, unused: nothing reads them once the new table is there.
            self.connection.execute(f"DROP TABLE {quote(table)}")
        self._tables = [relation]
        self._move_to(relation)

    def start_from(self, relation: str) -> None:
        """Begin with a relation of the caller's."""
        database, schema, table = self._place_of(relation)
        source = f"SELECT * FROM {quote(database, schema, table)}"
        if (database, table.lower()) == ("temp", self.name.lower()):
            self.compute(source)  # a view over it would read itself once our view takes its name
        else:
            self.project(source)

    def continue_with(self, relation: str) -> None:
        """Go on with what an author's function made; it may hang on the table's own name, so it is computed now."""
        self.compute(f"SELECT * FROM {quote(*self._place_of(relation))}")

    def show_as_own_name(self) -> None:
        """Let the table's own name, in SQL, mean the rows so far."""
        if self.relation is not None:
            own, rows = quote("temp", "main", self.name), quote("temp", "main", self.relation)
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {own} AS SELECT * FROM {rows}")
            self._shown = True

    def hide_own_name(self) -> None:
        """Give the name back to the caller's table."""
        if self._shown:
            self.connection.execute(f"DROP VIEW {quote('temp', 'main', self.name)}")
            self._shown = False

    def _place_of(self, relation: str) -> tuple[str, str, str]:
        # Spelled out: once our view of the same name stands before it, a bare name would mean itself.
        schema, _, table = relation.rpartition(".")
        found = self.connection.execute(
            "SELECT database_name, schema_name FROM ("
            "SELECT database_name, schema_name, view_name AS name FROM duckdb_views() UNION ALL "
            "SELECT database_name, schema_name, table_name FROM duckdb_tables()) "
            f"WHERE lower(name) = lower({literal(table)}) AND schema_name = {literal(schema or 'main')} "
            "ORDER BY database_name <> 'temp' LIMIT 1"
        ).fetchone()
        if found is None:
            raise ValueError(f"there is no relation '{relation}'")
        return str(found[0]), str(found[1]), table

    def _next(self) -> str:
        self._made += 1
        return f"{RESERVED_PREFIX}_{self._mark}_{self._made}"

    def _move_to(self, relation: str) -> None:
        self.relation = relation
        self.columns = columns_of(self.connection, relation)
