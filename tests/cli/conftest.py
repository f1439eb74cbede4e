from __future__ import annotations

import pytest

from kit.program import Program, program_in
from kit.project import Project


@pytest.fixture
def dataflow(project: Project) -> Program:
    """Run ``dataflow ...`` in the project."""
    return program_in(project.root)
