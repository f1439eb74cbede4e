"""What is sound of a broken config is judged in the same round, and a mistake brings about no second message."""

from __future__ import annotations

from typing import Any

import pytest

from kit.project import MOCK_CONFIG, Project

NOT_KNOWN = "never_retry.0: no error is called 'KeyErorr' here; did you mean 'KeyError'?"
SOURCE = MOCK_CONFIG["sources"]["events"]


def told(project: Project, **given: Any) -> list[str]:
    project.write_workflow("shop", {**MOCK_CONFIG, "never_retry": ["KeyErorr"], **given})
    return [str(each).partition(": ")[2] for each in project.registry().problems]


def test_what_has_nothing_to_do_with_the_broken_key_is_told_beside_it(project: Project):
    assert {"retries: expected a whole number, found 'few'", NOT_KNOWN} == set(told(project, retries="few"))


@pytest.mark.parametrize(
    "broken",
    [
        {"start_dat": "2025-01-01"},
        {"sources": {"events": {**SOURCE, "rows": "many"}}, "validate": {"events": [{"not_null": "event_id"}]}},
        {"sources": {"events": {**SOURCE, "colums": {}}}, "load": {"events": {"mode": "append"}}},
        {"transform": {"paid": {"from": "events", "stages": [{"fliter": "true"}]}}, "publish": {"models": ["paid"]}},
        {"params": {"full": {"type": "bool"}}, "dbt": {"full_refresh": "params.full"}},
    ],
)
def test_what_only_follows_from_a_mistake_is_not_told(project: Project, broken: dict[str, Any]):
    meant = {**MOCK_CONFIG}
    if "start_dat" in broken:
        del meant["start_date"]
    project.write_workflow("shop", {**meant, **broken})

    assert 1 == len(project.registry().problems)


def test_where_nobody_knows_what_a_key_was_meant_to_be_the_rest_waits(project: Project):
    assert ["zzz: unknown key"] == [each.partition(";")[0] for each in told(project, zzz=1)]
