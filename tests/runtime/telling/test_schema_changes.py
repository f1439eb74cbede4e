"""What of a source is not as its config says is in run history and told, whatever the contract makes of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.ops.history import open_history
from dataflow.ops.reading import anomalies_of
from dataflow.ops.stages import StageKey, begin_stage, end_stage
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.runtime.telling.news import News, news_of_end
from dataflow.runtime.telling.schema_changes import record_changes
from dataflow.web.stories import tell_run
from kit.contracts import Aside
from kit.ingest import SOURCE, ingest_source
from kit.project import DAILY, Project
from kit.runs import days

COLUMNS = {"id": "BIGINT", "amount": "DECIMAL(12,2)"}
AS_DECLARED = "id,amount\n1,1\n"
UNDECLARED = "id,amount,note\n2,2,new\n"
MISFIT = "id,amount\n3,zero\n"


def run(project: Project, text: str, day: int, **source: Any) -> RunResult:
    given = {"type": "file", "path": "orders.csv", "format": "csv", "columns": COLUMNS, **source}
    project.write_workflow("shop", {**DAILY, "sources": {"orders": given}, "load": {"orders": {"key": "id"}}})
    project.write_file("include/workflows/shop/orders.csv", text)
    return run_workflow(project.workflow("shop"), settings=project.settings(), window=days(day, day + 1))


def changes(project: Project, run: RunResult) -> list[str]:
    found = anomalies_of(open_history(project.settings().ops), "shop", run_id=run.run_id)
    return [row["message"] for row in found if row["category"] == "SCHEMA_CHANGE"]


def events(project: Project, run: RunResult) -> frozenset[str]:
    news = News(event="success", workflow="shop", title="Shop", owner="o", run_id=run.run_id)
    return news_of_end(news, settings=project.settings(), reason="").events


UNDECLARED_TOLD = {
    "evolve": 'orders: column "note" appeared, as VARCHAR',
    "discard_value": 'orders: column "note" is not declared in `columns`; it is left out',
    "discard_row": 'orders: column "note" is not declared in `columns`; rows with a value there are left out',
    "quarantine": 'orders: column "note" is not declared in `columns`; rows with a value there go to quarantine',
}
MISFIT_TOLD = {
    "evolve": 'orders: column "amount__text" appeared, as VARCHAR',
    "discard_value": 'orders: column "amount" has values that are no DECIMAL(12,2); landed as NULL',
    "discard_row": 'orders: column "amount" has values that are no DECIMAL(12,2); their rows left out',
    "quarantine": 'orders: column "amount" has values that are no DECIMAL(12,2); their rows in quarantine',
}


@pytest.mark.parametrize("mode", UNDECLARED_TOLD)
def test_a_column_that_nobody_declared_is_told_once(project: Project, mode: str) -> None:
    contract = {"columns": mode}
    runs = [run(project, AS_DECLARED, 0, schema_contract=contract)]
    runs += [run(project, UNDECLARED, day, schema_contract=contract) for day in (1, 2)]

    assert [[], [UNDECLARED_TOLD[mode]], []] == [changes(project, each) for each in runs]
    assert ["schema" in events(project, each) for each in runs] == [False, True, False]


@pytest.mark.parametrize("mode", MISFIT_TOLD)
def test_values_that_do_not_fit_are_told_once(project: Project, mode: str) -> None:
    contract = {"data_type": mode}
    runs = [run(project, AS_DECLARED, 0, schema_contract=contract)]
    runs += [run(project, MISFIT, day, schema_contract=contract) for day in (1, 2)]

    assert [[], [MISFIT_TOLD[mode]], []] == [changes(project, each) for each in runs]
    assert ["schema" in events(project, each) for each in runs] == [False, True, False]


@pytest.mark.parametrize(("contract", "text"), [({"columns": "freeze"}, UNDECLARED), ({"data_type": "freeze"}, MISFIT)])
def test_what_a_frozen_contract_does_not_let_pass_fails_the_run(project: Project, contract: Any, text: str) -> None:
    assert "failed" == run(project, text, 0, schema_contract=contract).status


def test_the_first_run_tells_what_is_not_declared_also_without_a_contract(project: Project) -> None:
    assert [UNDECLARED_TOLD["discard_value"]] == changes(project, run(project, UNDECLARED, 0))


def test_what_the_contract_makes_of_it_is_told_anew_when_the_contract_changes(project: Project) -> None:
    run(project, MISFIT, 0, schema_contract={"data_type": "discard_row"})

    told = changes(project, run(project, MISFIT, 1, schema_contract={"data_type": "discard_value"}))

    assert [MISFIT_TOLD["discard_value"]] == told


def test_a_change_that_an_earlier_run_told_is_told_beside_a_column_that_nobody_declared(project: Project) -> None:
    contract = {"columns": "discard_value", "data_type": "evolve"}
    texts = [AS_DECLARED, MISFIT, AS_DECLARED, "id,amount,note\n4,zero,new\n"]
    runs = [run(project, text, day, schema_contract=contract) for day, text in enumerate(texts)]

    assert [MISFIT_TOLD["evolve"], UNDECLARED_TOLD["discard_value"]] == changes(project, runs[3])


@pytest.mark.parametrize("mode", UNDECLARED_TOLD)
def test_a_column_that_nobody_declared_is_told_again_when_it_comes_back(project: Project, mode: str) -> None:
    texts = [AS_DECLARED, UNDECLARED, AS_DECLARED, UNDECLARED]
    runs = [run(project, text, day, schema_contract={"columns": mode}) for day, text in enumerate(texts)]

    gone = "is gone, it was VARCHAR" if mode == "evolve" else "not declared in `columns`, is gone"
    assert [[UNDECLARED_TOLD[mode]]] * 2 == [changes(project, runs[1]), changes(project, runs[3])]
    assert [gone] == [told[-len(gone) :] for told in changes(project, runs[2])]


def test_the_page_of_a_run_shows_each_change(project: Project) -> None:
    told = run(project, UNDECLARED + "3,zero,\n", 0, schema_contract={"data_type": "discard_value"})

    history, spec = open_history(project.settings().ops), project.workflow("shop").spec
    shown = tell_run(history, "shop", told.run_id, spec=spec).schema_changes

    assert [UNDECLARED_TOLD["discard_value"], MISFIT_TOLD["discard_value"]] == [each.message for each in shown]


@dataclass(frozen=True)
class Read:
    """What one run reads, and how it goes on."""

    note: bool
    """Whether the column that nobody declared is there."""
    misfit: bool
    tries: int = 1
    is_empty: bool = False

    @property
    def text(self) -> str:
        row = ["1", "zero" if self.misfit else "1", *(["new"] if self.note else [])]
        rows = "" if self.is_empty else ",".join(row) + "\n"
        return ("id,amount,note\n" if self.note else "id,amount\n") + rows


def expected(reads: list[Read], mode: str) -> list[list[str]]:
    """Give what each run tells: what is there and was not there in the last one that read a row."""
    told: list[list[str]] = []
    last: Read | None = None
    for read in reads:
        news: list[str] = []
        # What was landed before the first run is none of its news; that something is not landed, is.
        is_news = last is not None or mode != "evolve"
        if not read.is_empty and is_news:
            before = last or Read(note=False, misfit=False)
            news += [UNDECLARED_TOLD[mode]] if read.note and not before.note else []
            news += [MISFIT_TOLD[mode]] if read.misfit and not before.misfit else []
            gone = "is gone, it was VARCHAR" if mode == "evolve" else "not declared in `columns`, is gone"
            sign = "" if mode == "evolve" else ","
            news += [f'orders: column "note"{sign} {gone}'] if before.note and not read.note else []
        told.append(sorted(news))
        last = last if read.is_empty else read
    return told


READS = st.builds(
    Read,
    note=st.booleans(),
    misfit=st.booleans(),
    tries=st.sampled_from([1, 1, 2]),
    is_empty=st.sampled_from([False, False, True]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(UNDECLARED_TOLD)), st.lists(READS, min_size=2, max_size=5))
def test_each_change_from_one_run_to_the_next_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, mode: str, reads: list[Read]
) -> None:
    root = tmp_path_factory.mktemp("reads")
    history = open_history(f"sqlite:///{root / 'ops.db'}")
    given_source = {"type": "file", "path": "orders.csv", "format": "csv", "columns": COLUMNS, "schema_contract": mode}
    source = SOURCE.validate_python(given_source)
    for number, read in enumerate(reads):
        (root / "orders.csv").write_text(read.text)
        for try_number in range(1, read.tries + 1):
            key = StageKey(
                workflow="shop", run_id=f"run {number}", stage="INGESTED", try_number=try_number, table_name="orders"
            )
            stage = begin_stage(history, key)
            landed = ingest_source(root, given_source, run_id=key.run_id, set_aside=Aside())
            record_changes(history, key, landed=landed, source=source, log=logging.getLogger("dataflow.test"))
            end_stage(history, stage, outcome="succeeded", rows_in=landed.rows_read, uri=landed.uri)

    runs = [f"run {number}" for number in range(len(reads))]
    told = [[row["message"] for row in anomalies_of(history, "shop", run_id=each)] for each in runs]
    assert expected(reads, mode) == [sorted(each) for each in told]
