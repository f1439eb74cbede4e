"""What somebody asks for, who wants a new workflow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataflow.scaffold.file_url import is_elsewhere

__all__ = ["NewWorkflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """What is asked for, as it was given."""

    name: str
    kind: str
    owner: str
    path: Path | None = None
    """A file to read, for the kind ``file``; it is copied beside the config."""
    url: str | None = None
    """Where it is: an API's first page, a database, or a file elsewhere or here."""
    table: str | None = None
    """The table to read, for the kind ``database``."""

    @property
    def reads_file_elsewhere(self) -> bool:
        """Whether its source is a file that is not on this machine."""
        return self.kind == "file" and self.url is not None and is_elsewhere(self.url)

    @property
    def is_out_of_reach(self) -> bool:
        """Whether its tests cannot reach its source: a file elsewhere, or a database that has an address."""
        return self.reads_file_elsewhere or (self.kind == "database" and self.url is not None)
