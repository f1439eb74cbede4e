"""Which options of DuckDB's readers a file source may set: none that loses rows or values in silence."""

from __future__ import annotations

from dataflow.near_miss import did_you_mean

__all__ = ["NUMBER_FORMATS", "READER_OPTIONS", "REFUSED_OPTIONS", "option_problem"]

NUMBER_FORMATS = ("thousands", "decimal_separator")
"""Options of the CSV reader that say how numbers are written."""

READER_OPTIONS: dict[str, frozenset[str]] = {
    "csv": frozenset(
        {
            "allow_quoted_nulls", "comment", "dateformat", "decimal_separator", "delim", "encoding", "escape",
            "force_not_null", "header", "max_line_size", "null_padding", "nullstr", "quote", "sep", "skip",
            "strict_mode", "thousands", "timestampformat",
        }
    ),
    "json": frozenset({"dateformat", "maximum_object_size", "timestampformat"}),
    "ndjson": frozenset({"dateformat", "maximum_object_size", "timestampformat"}),
    "parquet": frozenset({"binary_as_string"}),
}  # fmt: skip

REFUSED_OPTIONS: dict[str, str] = {
    "all_varchar": "declare the columns as VARCHAR",
    "auto_detect": "columns are declared, never guessed",
    "columns": "declare them in the source's `columns`",
    "compression": "name the file .gz",
    "files_to_sniff": "columns are declared, never guessed",
    "hive_partitioning": "folders' names never become columns",
    "ignore_errors": "it drops rows in silence",
    "names": "declare them in the source's `columns`",
    "new_line": "line ends are found, and one that is not the file's makes no row of it",
    "sample_size": "columns are declared, never guessed",
    "store_rejects": "it drops rows in silence",
    "types": "declare them in the source's `columns`",
    "union_by_name": "columns are always matched by name",
}


def option_problem(format_name: str, option: str) -> str:
    """Say what is wrong with an option of this format's reader; empty when nothing is."""
    known = READER_OPTIONS[format_name]
    if option in known:
        return ""
    if option in REFUSED_OPTIONS:
        return f"option '{option}' cannot be set: {REFUSED_OPTIONS[option]}"
    hint = did_you_mean(option, known) or f"there are {', '.join(sorted(known))}"
    return f"unknown option '{option}' of the {format_name} reader; {hint}"
