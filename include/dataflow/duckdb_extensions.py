"""DuckDB's extensions, from the wheels that the lock pins: nothing is fetched at run time."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataflow.errors import FatalError
from dataflow.identifiers import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Extension", "extension_file", "load_extension"]

Extension = Literal["ducklake", "httpfs", "postgres_scanner", "sqlite_scanner"]


def extension_file(name: Extension) -> Path:
    """Give the file of an extension.

    Raises:
        FatalError: when its wheel is not installed, or is of another version of DuckDB.
    """
    import duckdb

    package = f"duckdb_extension_{name}"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FatalError(f"DuckDB's extension {name} is not installed; `make setup` installs it")
    version = f"v{duckdb.__version__}"
    file = Path(spec.origin).parent / "extensions" / version / f"{name}.duckdb_extension"
    if not file.is_file():
        raise FatalError(f"the installed {package} is not of DuckDB {duckdb.__version__}; `make setup` mends that")
    return file


def load_extension(connection: DuckDBPyConnection, name: Extension) -> None:
    """Load an extension into the database of a connection; harmless where it is loaded.

    Raises:
        FatalError: when its wheel is not installed, or is of another version of DuckDB.
    """
    connection.execute(f"LOAD {literal(str(extension_file(name)))}")
