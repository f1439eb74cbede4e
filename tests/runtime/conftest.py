"""What tests of runs share: a history, and a small shop that is read from files."""

from __future__ import annotations

import pytest

from kit.named_orders import CUSTOMERS, ORDERS, SHOP, WITH_NAMES
from kit.project import Project


@pytest.fixture
def shop(project: Project) -> Project:
    project.write_workflow("shop", SHOP, transform=WITH_NAMES)
    project.write_file("include/workflows/shop/data/orders.csv", ORDERS)
    project.write_file("include/workflows/shop/data/customers.csv", CUSTOMERS)
    return project
