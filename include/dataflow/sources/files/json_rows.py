"""The rows of JSON files as SQL: each column taken from where in a record it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataflow.identifiers import literal, quote
from dataflow.sources.contract.columns import Found
from dataflow.sources.contract.fit import text_format
from dataflow.sources.contract.nested import is_nested
from dataflow.sources.contract.way_out import HOW_TIMES_ARE_WRITTEN
from dataflow.sources.files.exact_numbers import unmarked
from dataflow.sources.files.file_keys import pointer
from dataflow.sources.files.scan_sql import Option, scan_call
from dataflow.sources.reading import NO_COLUMN, Marked, RawColumn, Reading, SourceFile

__all__ = ["JsonRows"]

AS_RECORDS: Mapping[str, Option] = {"auto_detect": False, "records": True}
"""Left to itself the reader makes texts of all records where one column is wanted and one record is no object."""
WITH_MARKS = "dataflow: marked "
"""Before the name of a column beside one of the same values."""
NOTHING_FOUND = Found()


@dataclass(frozen=True, slots=True)
class JsonRows:
    """What is read of each record, whatever the files."""

    declared: Mapping[str, str]
    """Columns and their types."""
    paths: Mapping[str, str]
    """Of some of them, where in a record they are: keys, joined by dots."""
    reader: Mapping[str, Option]
    """Options of DuckDB's reader."""
    options: Mapping[str, Option]
    """Those of the source."""

    def objects(self, files: Sequence[SourceFile]) -> str:
        """Give the FROM clause of the records as they are, each as ``json``."""
        return scan_call("read_json_objects", [file.path for file in files], self.reader)

    def reading(
        self, files: Sequence[SourceFile], found: Found = NOTHING_FOUND, *, are_marked: bool = False
    ) -> Reading:
        """Give the reading of files, in whose copies numbers may be marked; see `exact_numbers`."""
        here = [name for name in self.declared if name not in found.absent]
        marked = {name: Marked(f"{WITH_MARKS}{name}", unmarked) for name in here if are_marked and self._is_deep(name)}

        def scan(files: Sequence[Path]) -> str:
            rows = self._rows(files, here, found.read)
            types = {name: self.declared[name] for name in here} | dict.fromkeys(found.read, "VARCHAR")
            return _without_marks(rows, types, marked) if are_marked else rows

        columns = [
            RawColumn(
                name,
                name if name in here else None,
                self._raw_type(name),
                kind,
                text_format(kind, self.options),
                unset=HOW_TIMES_ARE_WRITTEN - self.options.keys(),
                marked=marked.get(name),
            )
            for name, kind in self.declared.items()
        ]
        columns += [RawColumn(name, name, "VARCHAR") for name in found.landed]
        judged = tuple(RawColumn(name, name, "VARCHAR") for name in found.judged)
        return Reading(scan, tuple(columns), tuple(files), undeclared=judged, left_out=found.left_out)

    def _rows(self, files: Sequence[Path], here: Sequence[str], others: Sequence[str]) -> str:
        """Give the rows with these declared columns, and others, of which nobody said where they are."""
        parted = {self._key(name) for name in self.paths}
        # Undeclared ones as text: nothing says what else a value may be, and the next one may be another.
        as_read = {self._key(name): self._raw_type(name) for name in here} | dict.fromkeys(others, "VARCHAR")
        as_read |= dict.fromkeys(parted.intersection(as_read), "JSON")
        # Without any column the reader would look for some itself.
        wanted = as_read or {NO_COLUMN: "VARCHAR"}
        read = scan_call("read_json", files, {**self.reader, **AS_RECORDS, "columns": wanted})
        if not parted:
            return read
        values = [self._taken(name) if self._key(name) in parted else quote(name) for name in here]
        values += [quote(name) for name in others]
        return f"(select {', '.join(values) or quote(NO_COLUMN)} from {read})"

    def _taken(self, name: str) -> str:
        """Give the SQL of a column's value, out of the JSON of its first key."""
        inside = literal(pointer(self.paths[name].split(".")[1:]) if name in self.paths else "")
        key = quote(self._key(name))
        text = f"json_extract_string({key}, {inside})"
        # A null within JSON is a value of its own; here it is none.
        value = f"nullif(json_extract({key}, {inside}), 'null')" if self._raw_type(name) == "JSON" else text
        return f"{value} as {quote(name)}"

    def _key(self, name: str) -> str:
        return self.paths[name].partition(".")[0] if name in self.paths else name

    def _raw_type(self, name: str) -> str:
        # As text, a JSON string would lose its quotes.
        return "JSON" if self.declared[name] == "JSON" else "VARCHAR"

    def _is_deep(self, name: str) -> bool:
        return is_nested(self.declared[name]) and self.declared[name] != "JSON"


def _without_marks(rows: str, types: Mapping[str, str], marked: Mapping[str, Marked]) -> str:
    """Give the rows with these columns as they were before numbers were marked, and some with their marks beside."""
    values = [f"{unmarked(quote(name), kind)} as {quote(name)}" for name, kind in types.items()]
    values += [f"{quote(name)} as {quote(beside.raw)}" for name, beside in marked.items()]
    return f"(select {', '.join(values)} from {rows})" if values else rows
