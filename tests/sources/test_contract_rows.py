"""Whatever comes and whatever the contract: no row is lost, none is there twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError
from kit.contracts import RANGE, Aside
from kit.ingest import ingest_source, landed

TYPES = ["BIGINT", "TINYINT", "DECIMAL(6,2)", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN", "VARCHAR"]

TYPES += ["JSON", "BIGINT[]", "UUID", "TIME"]

VALUES = st.one_of(
    st.none(),
    st.sampled_from(["1", "1.5", "x", "2025-01-01", "2025-01-01 10:00:00", "2025-01-01T10:00:00+02:00", "true", "[1]"]),
    st.sampled_from(["[x]", "null", "{}", "1e400", "-0", "1e-3", "99999", "''", "12:00:00", "9" * 40, " 7"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5),
)

MODES = ["evolve", "freeze", "discard_value", "discard_row", "quarantine"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_row_is_landed_left_out_or_set_aside_and_never_two_of_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    root = tmp_path_factory.mktemp("contract")
    kinds = data.draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    columns = {"key": "VARCHAR"} | {f"c{number}": kind for number, kind in enumerate(kinds)}
    is_incremental = data.draw(st.booleans())
    names = [*list(columns)[1:], *data.draw(st.lists(st.just("extra"), max_size=1))]
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)), max_size=12))
    numbered = [{"key": f"k{number}", **row} for number, row in enumerate(rows)]
    if is_incremental:
        columns["moved"] = "TIMESTAMPTZ"
        moments = st.sampled_from([None, "2025-01-01T05:00:00Z", "2025-03-01T00:00:00Z", "soon"])
        numbered = [{**row, "moved": data.draw(moments)} for row in numbered]
    contract = {"columns": data.draw(st.sampled_from(MODES)), "data_type": data.draw(st.sampled_from(MODES))}
    (root / "a.ndjson").write_text("\n".join(json.dumps(row) for row in numbered))
    source: dict[str, Any] = {"type": "file", "format": "ndjson", "path": "a.ndjson", "columns": columns}
    source |= {"schema_contract": contract} | ({"incremental": {"cursor": "moved"}} if is_incremental else {})

    may_fail = "freeze" in contract.values() or is_incremental
    outcomes: list[Any] = []
    for _ in range(2):
        aside = Aside()
        try:
            manifest = ingest_source(root, source, cursor=RANGE if is_incremental else None, set_aside=aside)
        except ContractError as error:
            outcomes.append(str(error))
            continue
        kept = [key for (key,) in landed(manifest, "key")]
        set_aside = [row["key"] for row in aside.rows]
        outcomes.append((kept, set_aside, manifest.discarded_rows, manifest.cut_rows, manifest.data_columns))

        assert len(numbered) == manifest.rows_read
        assert len(numbered) == len(kept) + len(set_aside) + manifest.discarded_rows + manifest.cut_rows
        assert len(kept) + len(set_aside) == len({*kept, *set_aside}) <= len(numbered)
        assert len(set_aside) == manifest.quarantined_rows
        assert 0 == manifest.quarantined_rows or "quarantine" in contract.values()
        assert 0 == manifest.discarded_rows or "discard_row" in contract.values()
        assert columns.keys() <= manifest.data_columns.keys()
    assert outcomes[0] == outcomes[1]
    assert may_fail or not isinstance(outcomes[0], str)
