"""A temporary project root, written by the test that needs it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.registry import Registry

REPOSITORY = Path(__file__).resolve().parents[2]

DAILY: Mapping[str, Any] = {
    "description": "A workflow of the tests.",
    "owner": "tests",
    "schedule": "@daily",
    "start_date": "2025-01-01",
}
"""What the config of a daily workflow begins with."""

MOCK_CONFIG: Mapping[str, Any] = {
    **DAILY,
    "description": "Made-up events, one batch a day.",
    "sources": {
        "events": {
            "type": "mock",
            "rows": 5,
            "columns": {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ"},
        }
    },
}
"""The smallest workflow that is valid on a daily schedule."""


class Project:
    """A project under a temporary folder, with a copy of the repository's dbt project if asked."""

    def __init__(self, folder: Path, *, dbt: bool = False) -> None:
        self.root = folder.resolve()
        self.workflows = self.root / "include" / "workflows"
        self.workflows.mkdir(parents=True, exist_ok=True)
        if dbt:
            ignored = shutil.ignore_patterns("target", "logs", "models", ".user.yml")
            shutil.copytree(REPOSITORY / "dbt", self.root / "dbt", ignore=ignored, dirs_exist_ok=True)

    def folder(self, name: str) -> Path:
        """Give the folder of one workflow."""
        return self.workflows / name

    def write_workflow(self, name: str, config: str | Mapping[str, Any] | None = None, **modules: str) -> Path:
        """Write a workflow's config, as text or as a mapping, and its modules: ``ingestion="..."``."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        given = MOCK_CONFIG if config is None else config
        text = given if isinstance(given, str) else yaml.safe_dump(dict(given), sort_keys=False)
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source, encoding="utf-8")
        return folder

    def write_file(self, path: str, content: str | bytes) -> Path:
        """Write any file of the project; the path is relative to its root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def write_model(self, workflow: str, model: str, sql: str) -> Path:
        """Write one dbt model of a workflow."""
        return self.write_file(f"dbt/models/{workflow}/{model}.sql", sql)

    def settings(self) -> Settings:
        """Give the settings of this root."""
        return Settings.load(self.root)

    def registry(self) -> Registry:
        """Load every workflow."""
        from dataflow.registry import load_registry

        return load_registry(self.root)

    def workflow(self, name: str) -> Workflow:
        """Load one workflow, which must be valid."""
        from dataflow.loading.load import load_workflow

        return load_workflow(self.root, name)
