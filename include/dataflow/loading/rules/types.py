"""Types of columns: words that DuckDB knows."""

from __future__ import annotations

import re

from dataflow.loading.messages import shown
from dataflow.loading.rules.checks import all_checks
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.near_miss import did_you_mean

__all__ = ["types_are_known"]

WORDS = """
    BIGINT BIGNUM BINARY BIT BITSTRING BLOB BOOL BOOLEAN BPCHAR BYTEA CHAR CHARACTER DATE DATETIME DEC DECIMAL DOUBLE
    ENUM FLOAT FLOAT4 FLOAT8 GEOMETRY GUID HUGEINT INT INT1 INT128 INT16 INT2 INT32 INT4 INT64 INT8 INTEGER INTERVAL
    JSON LOGICAL LONG MAP NUMERIC NVARCHAR OID REAL ROW SHORT SIGNED SMALLINT STRING STRUCT TEXT TIME TIMESTAMP
    TIMESTAMPTZ TIMESTAMP_MS TIMESTAMP_NS TIMESTAMP_S TIMESTAMP_US TIMETZ TIME_NS TINYINT UBIGINT UHUGEINT UINT128
    UINT16 UINT32 UINT64 UINT8 UINTEGER UNION USMALLINT UTINYINT UUID VARBINARY VARCHAR VARIANT
"""
TYPES = frozenset(WORDS.split())
"""Names and aliases of DuckDB 1.5, see `duckdb_types()`."""
TYPES_OF_WORDS = frozenset(
    {
        "CHARACTER VARYING",
        "DOUBLE PRECISION",
        "NATIONAL CHARACTER",
        "TIME WITH TIME ZONE",
        "TIME WITHOUT TIME ZONE",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP WITHOUT TIME ZONE",
    }
)
COMMON = ("BIGINT", "VARCHAR", "DECIMAL(12,2)", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "JSON")
TYPES_ELSEWHERE = {
    "bigserial": "BIGINT",
    "bytes": "BLOB",
    "clob": "VARCHAR",
    "datetime2": "TIMESTAMP",
    "datetime64": "TIMESTAMP",
    "datetimeoffset": "TIMESTAMPTZ",
    "dict": "JSON",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "jsonb": "JSON",
    "money": "DECIMAL",
    "object": "JSON",
    "record": "STRUCT",
    "serial": "INTEGER",
    "str": "VARCHAR",
    "timestamp_ltz": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
    "timestamp_tz": "TIMESTAMPTZ",
    "uniqueidentifier": "UUID",
    "varchar2": "VARCHAR",
}
"""What Python and other databases call what DuckDB calls so."""
_FORM = re.compile(r"([A-Za-z_][A-Za-z0-9_ ]*?) ?(?:\(.*\))? ?(?:\[[0-9]*\] ?)*\Z")
"""A word or several, arguments in parentheses, and brackets for lists."""


def types_are_known(subject: Subject) -> Findings:
    """Refuse what is no DuckDB type, in columns, casts and checks."""
    for name, source in subject.spec.sources.items():
        for column, declared in source.columns.items():
            yield from _is_type(("sources", name, "columns", column, "type"), declared.type)
    for table, transform in subject.spec.transform.items():
        for index, stage in enumerate(transform.stages):
            for column, kind in (stage.cast or {}).items():
                yield from _is_type(("transform", table, "stages", index, "cast", column), kind)
    for steps, _, check in all_checks(subject.spec):
        for column, kind in check.schema_.columns.items() if check.schema_ else ():
            yield from _is_type((*steps, "schema", "columns", column), kind)


def _is_type(steps: Steps, text: str) -> Findings:
    if text in TYPES:
        return
    form = _FORM.match(" ".join(text.split()))
    words = form.group(1).upper() if form else ""
    if words not in TYPES and words not in TYPES_OF_WORDS:
        hint = did_you_mean(words, sorted(TYPES), others=TYPES_ELSEWHERE) or f"some are {', '.join(COMMON)}"
        if form is None:
            hint = "such as BIGINT, VARCHAR or DECIMAL(12,2)"
        elif words in ("ARRAY", "LIST"):
            hint = "a list is its type and brackets, as in VARCHAR[]"
        yield Finding(steps, f"{shown(text)} is no DuckDB type", hint)
