"""Errors of dbt models name the line of the model's own file, or say that they count those of what dbt ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.modelling.build import build_models
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.dbt.own_lines import with_own_line
from kit.models import write_models
from kit.project import Project
from kit.warehouse import day

MODEL = """{{ config(
    tags=['x']
) }}
with x as (
    select a
    from {{ ref('base') }}
)
select
    nme
from x"""
RAN = """/* {"app": "dbt"} */

    create  table
      "warehouse"."shop"."daily__dbt_tmp"

    as (

with x as (
    select a
    from "warehouse"."shop"."base"
)
select
    nme
from x
    );
"""
LOOP = "select\n{% for n in [1, 2] %}\n  a{{ n }},\n{% endfor %}\n  1\nfrom x"
LOOP_RAN = "create view v as (\nselect\n\n  a1,\n\n  a2,\n\n  1\nfrom x\n);"


def told(model: str, ran: str, line: int, tmp_path: Path) -> str:
    """Give what is said of a line of the statement."""
    file = tmp_path / "daily.sql"
    file.write_text(model)
    text = f"Binder Error: no such column\n\nLINE {line}: it\n         ^"
    return with_own_line(text, ran=ran, file=file, shown="models/shop/daily.sql").split("\n")[2]


@pytest.mark.parametrize(("line", "own"), [(9, 5), (10, 6), (13, 9), (14, 10)])
def test_a_line_that_jinja_at_most_filled_in_is_the_models(line: int, own: int, tmp_path: Path) -> None:
    assert f"LINE {own} of models/shop/daily.sql: it" == told(MODEL, RAN, line, tmp_path)


def test_a_model_of_one_line_is_that_line(tmp_path: Path) -> None:
    ran = "create table t as (\n  select x from y\n);"

    assert "LINE 1 of models/shop/daily.sql: it" == told("select x from {{ ref('y') }}", ran, 2, tmp_path)


@pytest.mark.parametrize(("line", "own"), [(4, None), (6, None), (8, 5), (9, 6)])
def test_what_a_loop_made_is_no_line_of_the_model_but_what_follows_is(
    line: int, own: int | None, tmp_path: Path
) -> None:
    expected = f"LINE {line} of the SQL that dbt ran: it" if own is None else f"LINE {own} of models/shop/daily.sql: it"

    assert expected == told(LOOP, LOOP_RAN, line, tmp_path)


@pytest.mark.parametrize("line", [1, 3, 6, 15, 99])
def test_what_dbt_wrote_around_it_is_no_line_of_the_model(line: int, tmp_path: Path) -> None:
    assert f"LINE {line} of the SQL that dbt ran: it" == told(MODEL, RAN, line, tmp_path)


def test_one_of_several_lines_alike_is_not_guessed(tmp_path: Path) -> None:
    model, ran = "a\n{{ f() }}\nb\n{{ f() }}\na", "a\nx\nx\ny\nz\na\n"

    assert "LINE 6 of the SQL that dbt ran: it" == told(model, ran, 6, tmp_path)


def test_the_mark_below_stays_below_its_word() -> None:
    text = with_own_line("Oh\nLINE 1: select x\n               ^\n", ran="select x", file=None, shown="")

    assert ["Oh", "LINE 1 of the SQL that dbt ran: select x", " " * 39 + "^"] == text.splitlines()


def test_a_text_without_a_line_stays_as_it_is() -> None:
    assert "Conversion Error: LINES 1" == with_own_line("Conversion Error: LINES 1", ran="", file=None, shown="")


@pytest.mark.slow
def test_a_build_tells_the_line_of_a_model_and_of_a_test(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", dbt=True)
    workflow = write_models(project)
    project.write_file("dbt/models/shop/shop.yml", "version: 2\n")
    project.write_model("shop", "daily", "select 1 as a")
    project.write_model(
        "shop", "latest", "{{ config(materialized='view') }}\n\nselect\n  nme\nfrom {{ ref('daily') }}\n"
    )
    project.write_model("shop", "other", "select 1 as a")
    project.write_file("dbt/tests/shop/sound.sql", "select *\nfrom {{ ref('other') }}\nwhere bad")
    settings = project.settings()
    create_warehouse(settings, ["shop"])

    outcome = build_models(settings, workflow, window=day(0), run_id="r1")

    told = {node.name: node.message for node in outcome.nodes}
    assert "LINE 4 of models/shop/latest.sql: nme" in told["latest"]
    assert "LINE 3 of tests/shop/sound.sql: where bad" in told["sound"]
