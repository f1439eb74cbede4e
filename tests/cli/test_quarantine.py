"""`dataflow quarantine`, as a person types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dataflow.interval import Interval
from kit.program import Program
from kit.project import Project
from kit.shop import ORDERS, POSITIVE, Shop


@pytest.fixture
def shop(project: Project) -> Shop:
    shop = Shop(project)
    shop.write(POSITIVE)
    return shop


def test_a_run_says_how_many_rows_it_set_aside_and_where_they_are_listed(shop: Shop, dataflow: Program):
    answer = dataflow("workflow", "run", "shop", "--live")

    assert "2 rows in quarantine: dataflow quarantine list shop" in answer.out
    (record,) = json.loads(dataflow("quarantine", "list", "shop", "--json").out)
    assert (2, ["range_amount"], "waits") == (record["rows"], record["rules"], record["state"])
    assert record["run"] in answer.out


def test_what_a_sandbox_set_aside_is_listed_and_replayed_there(shop: Shop, dataflow: Program):
    dataflow("workflow", "run", "shop")

    assert "Nothing waits in quarantine." in dataflow("quarantine", "list").out
    assert 2 == json.loads(dataflow("quarantine", "list", "--sandbox", "shop", "--json").out)[0]["rows"]

    corrected = shop.project.write_file("mended.csv", "_dataflow_row,amount\n1,5\n2,1\n")
    answer = dataflow("quarantine", "replay", "1", "--sandbox", "shop", "--corrected", str(corrected))

    assert (0, True) == (answer.code, "2 rows replayed" in answer.out)


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_a_file_that_show_wrote_is_taken_back(shop: Shop, dataflow: Program, suffix: str):
    dataflow("workflow", "run", "shop", "--live")
    file = str(shop.project.root / f"bad.{suffix}")
    dataflow("quarantine", "show", "1", "--write", file)
    shop.write(POSITIVE | {"range": {"column": "amount", "min": -10}})

    answer = dataflow("quarantine", "replay", "1", "--corrected", file, "--json")

    (told,) = json.loads(answer.out)
    assert (2, 0, "success") == (told["replayed"], told["failed_again"], told["status"])
    assert [1, 2, 3, 4] == shop.published()
    assert "was replayed already" in dataflow("quarantine", "replay", "1").out


def test_rows_are_shown_with_their_reasons(shop: Shop, dataflow: Program):
    dataflow("workflow", "run", "shop", "--live")

    answer = json.loads(dataflow("quarantine", "show", "1", "--limit", "1", "--json").out)

    assert [{"row": 1, "order_id": "2", "status": "lost", "amount": "-5.00"}] == [
        {key: value for key, value in row.items() if key != "reasons"} for row in answer["data"]
    ]


def test_rows_that_a_later_run_read_again_are_not_told_to_wait(shop: Shop, dataflow: Program):
    shop.run(POSITIVE)
    again = shop.run(POSITIVE)

    told = " ".join(dataflow("quarantine", "list", "shop").out.split())
    newer, older = json.loads(dataflow("quarantine", "list", "shop", "--json").out)

    assert ("waits", "") == (newer["state"], newer["told"])
    assert "read again" == older["state"]
    says = f"run {again.run_id} has read these rows again since, and judged them: a replay puts none of them back"
    assert f"1: {says}; what it set aside itself waits as 2: replay that" in told
    assert says in " ".join(dataflow("quarantine", "show", "1").out.split())


def test_rows_that_a_later_run_read_again_in_part_tell_which_of_them_wait(shop: Shop, dataflow: Program):
    orders = "order_id,status,amount,at\n1,new,-5,2025-01-01T20:00\n2,new,-2,2025-01-02T20:00\n"
    config = {"incremental": {"cursor": "at"}, "schedule": "@daily"}
    first, second = (datetime(2025, 1, number, tzinfo=UTC) for number in (1, 2))
    end = datetime(2025, 1, 3, tzinfo=UTC)
    shop.run(POSITIVE, orders=orders, config=config, window=Interval(first, end))
    shop.run(window=Interval(second, end))

    _, older = json.loads(dataflow("quarantine", "list", "shop", "--json").out)
    (done,) = shop.replay(shop.records()[-1], corrected="_dataflow_row,amount\n1,5\n2,5\n")

    assert "waits in part" == older["state"]
    rest = Interval(first, second)
    assert f"later runs have read all but {rest} again since, and judged it" in older["told"]
    assert "a replay puts back only rows whose at lies there" in older["told"]
    assert 1 == done.passed


def test_rows_of_a_run_that_has_not_completed_tell_that_it_comes_first(shop: Shop, dataflow: Program):
    shop.write(POSITIVE, config={"transform": {"orders": [{"filter": "nowhere > 0"}]}})
    dataflow("workflow", "run", "shop", "--live")

    (record,) = json.loads(dataflow("quarantine", "list", "shop", "--json").out)

    assert "waits" == record["state"]
    assert "has not completed (FAILED): a replay is refused until it has" in record["told"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("show", "7"), "nothing in quarantine has the id 7"),
        (("replay", "7"), "nothing in quarantine has the id 7"),
        (("replay", "shopp"), "did you mean 'shop'?"),
        (("replay", "shop", "--corrected", "nowhere.csv"), "--corrected goes with the ID of one record, not with shop"),
        (("replay", "1", "--corrected", "nowhere.csv"), "--corrected nowhere.csv: there is no such file"),
        (("list", "shopp"), "did you mean 'shop'?"),
        (("corrections", "shopp"), "did you mean 'shop'?"),
        (("forget", "7"), "no correction has the id 7"),
        (("show", "1", "--write", "bad.xlsx"), "ends in .csv, .ndjson, .parquet"),
    ],
)
def test_wrong_input_is_told(shop: Shop, dataflow: Program, command: tuple[str, ...], told: str):
    dataflow("workflow", "run", "shop", "--live")

    answer = dataflow("quarantine", *command)

    assert 1 == answer.code
    assert told in answer.err


def test_a_replay_that_fails_ends_with_2_and_says_where(shop: Shop, dataflow: Program):
    dataflow("workflow", "run", "shop", "--live")
    shop.write(POSITIVE, {"row_count": {"min": 100}})
    corrected = shop.project.write_file("mended.csv", "_dataflow_row,amount\n1,5\n2,1\n")

    answer = dataflow("quarantine", "replay", "1", "--corrected", str(corrected))

    assert 2 == answer.code
    assert "validate.orders failed" in answer.err
    assert 1 == len(shop.records())


def test_forgetting_a_correction_names_an_older_one_of_the_same_row(shop: Shop, dataflow: Program):
    shop.run(POSITIVE)
    shop.replay(corrected="_dataflow_row,amount\n1,5\n2,1\n")
    shop.run(POSITIVE | {"range": {"column": "amount", "min": 2}})
    shop.replay(corrected="_dataflow_row,amount\n1,4\n")

    told = dataflow("quarantine", "forget", "2").out
    shop.run(POSITIVE)

    assert "sets it aside again, unless another correction knows it (1): forget that, too;" in " ".join(told.split())
    assert [(1, 10), (2, 5), (3, 1), (4, 7)] == shop.loaded("order_id, floor(amount)::int")


def test_forgetting_a_correction_names_none_of_other_rows(shop: Shop, dataflow: Program):
    shop.run(POSITIVE)
    shop.replay(corrected="_dataflow_row,amount\n1,5\n2,1\n")
    shop.run(POSITIVE, orders=f"{ORDERS}5,new,-3.00\n")
    shop.replay(corrected="_dataflow_row,amount\n1,4\n")

    told = dataflow("quarantine", "forget", "2").out

    assert "sets it aside again; what is loaded" in " ".join(told.split())
