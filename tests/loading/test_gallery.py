"""Every mistake that we know: what is said of it, to the letter, and that the mended config is sound."""

from __future__ import annotations

import pytest

from kit.gallery import CASES, expected, lay_out, lay_out_mended, validated
from kit.project import Project


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_with_its_place_and_the_way_out(name: str, project: Project) -> None:
    lay_out(name, project)

    _, told = validated(project)

    assert expected(name) == "".join(f"{problem}\n" for problem in told)


@pytest.mark.parametrize("name", CASES)
def test_the_mended_config_is_sound(name: str, project: Project) -> None:
    lay_out_mended(name, project)

    registry, told = validated(project)

    assert () == told
    assert name in registry.workflows
