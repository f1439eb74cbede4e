from __future__ import annotations

from dataflow.linting.neighbours import Neighbours
from kit.effort import effort
from kit.project import MOCK_CONFIG, Project


def test_a_house_of_five_thousand_is_looked_at_in_no_time(project: Project) -> None:
    """A thousand once took a second: each workflow was asked of every other."""
    project.write_workflow("events", MOCK_CONFIG)
    workflow = project.workflow("events")
    house = {f"events_{number}": workflow for number in range(5_000)}

    with effort() as looking:
        neighbours = Neighbours(house)

    assert looking.seconds < 1
    assert [] == list(neighbours.findings("events_0"))
