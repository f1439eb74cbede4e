"""The source that a new workflow begins with, of each kind: its table, and the words of the kind's templates."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataflow.errors import InputError
from dataflow.loading.load import SCHEMAS_OF_DUCKDB
from dataflow.scaffold.api_url import EXAMPLE_URL, read_url
from dataflow.scaffold.database_url import FORM, DatabaseUrl, read_database_url, require_table
from dataflow.scaffold.file_url import read_file_url
from dataflow.scaffold.new_workflow import NewWorkflow
from dataflow.scaffold.sample_database import example_database
from dataflow.scaffold.sample_file import SampleFile, example_file, example_in, sniff
from dataflow.scaffold.spelling import in_yaml

__all__ = ["FirstSource", "first_source"]

EVENT_COLUMNS = {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ"}
EVENT_KEY = "event_id"
MAX_TABLE = 40
MAX_COPIED_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSource:
    """What is known of the source before its config is written."""

    table: str
    columns: Mapping[str, str]
    key: str
    words: Mapping[str, str]
    """For the templates of its kind."""
    files: tuple[Path, ...] = ()
    """That were written: data, or an example of it."""


def first_source(new: NewWorkflow, folder: Path) -> FirstSource:
    """Make the source of a new workflow, whose data or example is written into its folder.

    Raises:
        InputError: when what was given of it is wrong, or a file cannot be read.
    """
    if new.reads_file_elsewhere:
        return _file_elsewhere(new, folder)
    match new.kind:
        case "file":
            return _file(new, folder)
        case "api":
            return _api(new)
        case "database":
            return _database(new, folder)
    return FirstSource(table="events", columns=EVENT_COLUMNS, key=EVENT_KEY, words={})


def _file(new: NewWorkflow, folder: Path) -> FirstSource:
    path = Path(new.url) if new.url is not None else new.path
    sample = sniff(_brought(path, folder / "data")) if path is not None else example_file(folder / "data")
    return FirstSource(
        table=_slug(Path(sample.path).name.split(".")[0]),
        columns=sample.columns,
        key=sample.key,
        words=_words_of(sample),
        files=(folder / sample.path,),
    )


def _file_elsewhere(new: NewWorkflow, folder: Path) -> FirstSource:
    url = read_file_url(str(new.url))
    written = folder / "tests" / "sample" / f"example{url.ending}"
    sample = example_in(written.parent, written.name, form=url.format)
    # The path is a variable's, so that tests can put a file of their own in its place.
    variable = f"{new.name.upper()}_FILE"
    own = {
        "path": f'"${{{variable}:-{url.address}}}"',
        "variable": variable,
        "sample": written.relative_to(folder).as_posix(),
        "options": "",
    }
    return FirstSource(
        table=_slug(url.stem),
        columns=sample.columns,
        key=sample.key,
        words=_words_of(sample) | own,
        files=(written,),
    )


def _api(new: NewWorkflow) -> FirstSource:
    url = read_url(new.url or EXAMPLE_URL)
    variable = f"{new.name.upper()}_API"
    words = {
        "url": f'"${{{variable}:-{url.server}}}{url.path}{url.query}"',
        "variable": variable,
        "api path": url.path,
    }
    return FirstSource(table=_slug(url.last), columns=EVENT_COLUMNS, key=EVENT_KEY, words=words)


def _database(new: NewWorkflow, folder: Path) -> FirstSource:
    there = new.table or "events"
    require_table(there)
    files: tuple[Path, ...] = ()
    if new.url is None:
        files = (example_database(folder / "data"),)
        address = DatabaseUrl(FORM, f"sqlite:///data/{files[0].name}")
    else:
        address = read_database_url(new.url)
    words = {
        "variable": f"{new.name.upper()}_DB_URL",
        "form": address.shown,
        "default": f":-{address.default}" if address.default else "",
        "table there": in_yaml(there),
    }
    table = _slug(there.rpartition(".")[2])
    return FirstSource(table=table, columns=EVENT_COLUMNS, key=EVENT_KEY, words=words, files=files)


def _brought(path: Path, data: Path) -> Path:
    """Copy the file beside the config, where every machine that has the project finds it."""
    if not path.is_file():
        raise InputError(f"--path {path}: there is no such file")
    if path.stat().st_size > MAX_COPIED_BYTES:
        raise InputError(
            f"--path {path}: it is larger than {MAX_COPIED_BYTES // 1024**2} MB, too large to be copied beside the "
            "config; give its first lines, and put the real path into `sources` afterwards"
        )
    data.mkdir(parents=True)
    return Path(shutil.copyfile(path, data / path.name))


def _slug(stem: str) -> str:
    """Make a table's name of a file's."""
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:MAX_TABLE].strip("_")
    slug = slug if re.match(r"[a-z]", slug) else f"file_{slug}".strip("_")
    return slug if len(slug) > 1 and slug not in SCHEMAS_OF_DUCKDB and not slug.startswith("staging_") else "records"


def _words_of(sample: SampleFile) -> dict[str, str]:
    options = "".join(f"\n      {name}: {in_yaml(value)}{_why(name)}" for name, value in sample.options.items())
    return {
        "path": in_yaml(sample.path),
        "format": sample.format,
        "options": f"    options:{options}\n" if options else "",
        "rows": str(sample.rows),
    }


def _why(option: str) -> str:
    return "  # its first line has numbers alone; if they are names, remove this" if option == "header" else ""
