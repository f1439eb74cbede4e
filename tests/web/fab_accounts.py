"""Make FAB users, each with a role of its own: what an administrator clicks, in one process."""

from __future__ import annotations

import json
import sys

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def main(wanted: str) -> None:
    """Make the users that a JSON text names, each with its permissions."""
    given = json.loads(wanted)
    with get_application_builder() as builder:
        manager = builder.sm
        for login, permissions in given["permissions"].items():
            role = manager.add_role(login)
            for action, resource in permissions:
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
            user = manager.add_user(login, login, login, f"{login}@example.com", role, password=given["password"])
            if not user:
                raise SystemExit(f"{login} was not made")


main(sys.argv[1])
