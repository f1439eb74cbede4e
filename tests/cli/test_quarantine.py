"""`dataflow quarantine`, as a person types it."""

from __future__ import annotations

import json

import pytest

from kit.program import Program
from kit.project import Project
from kit.shop import POSITIVE, Shop


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


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("show", "7"), "nothing in quarantine has the id 7"),
        (("replay", "7"), "nothing in quarantine has the id 7"),
        (("replay", "shopp"), "did you mean 'shop'?"),
        (("replay", "shop", "--corrected", "nowhere.csv"), "--corrected goes with the ID of one record"),
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
