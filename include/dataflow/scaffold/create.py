"""A new workflow: config, modules, tests and a dbt model, from the templates beside this file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dataflow.errors import InputError
from dataflow.identifiers import quote
from dataflow.loading.load import SCHEMAS_OF_DUCKDB, load_workflow
from dataflow.paths import folder_of, relative_name
from dataflow.scaffold.api_url import EXAMPLE_URL, ApiUrl, read_url
from dataflow.scaffold.database_url import FORM, DatabaseUrl, read_database_url, require_table
from dataflow.scaffold.file_url import FileUrl, is_elsewhere, read_file_url
from dataflow.scaffold.sample_database import example_database
from dataflow.scaffold.sample_file import SampleFile, example_file, example_in, sniff
from dataflow.spec.base import NAME_PATTERN

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["NewWorkflow", "create_workflow", "source_kinds"]

TEMPLATES = Path(__file__).parent / "templates"
SHARED = "common"
ELSEWHERE = {"database": "database_elsewhere", "file": "file_elsewhere"}
"""What tests need beside a kind's own templates, or in their place, where the source is one that they cannot reach."""
SUFFIX = ".template"
EVENT_COLUMNS = {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ"}
MAX_TABLE = 40
MAX_COPIED_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """What is asked for."""

    name: str
    kind: str
    owner: str
    path: Path | None = None
    """A file to read, for the kind ``file``; it is copied beside the config."""
    url: str | None = None
    """Where it is: an API's first page, a database, or a file elsewhere or here."""
    table: str | None = None
    """The table to read, for the kind ``database``."""


def source_kinds() -> tuple[str, ...]:
    """Give the kinds of source that there is a template for, sorted."""
    others = (SHARED, *ELSEWHERE.values())
    return tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir() and folder.name not in others))


def create_workflow(settings: Settings, new: NewWorkflow) -> list[str]:
    """Write a workflow that is valid, tested and runs as it is; give the files, relative to the project.

    Raises:
        InputError: when the name is none, something of that name is there, or the file cannot be read; then nothing
            is written.
        ConfigError: when the file's columns cannot be said in a config; nothing is written then either.
    """
    folder, models = folder_of(settings.project, new.name), settings.dbt_project / "models" / new.name
    _require_name(new.name)
    for there in (folder, models):
        if there.exists() or there.is_symlink():
            shown = relative_name(settings.project, there)
            raise InputError(f"{shown} is there already; choose another name, or remove it first")
    if new.kind not in source_kinds():
        raise InputError(f"--source {new.kind}: no such kind of source to begin with; there is {_listed()}")
    if new.path is not None and new.kind != "file":
        raise InputError(f"--path is for --source file; a source of kind {new.kind} reads no file")
    if new.url is not None and new.kind not in ("api", "database", "file"):
        raise InputError(f"--url is for --source api, database and file; a source of kind {new.kind} asks nobody")
    if new.url is not None and new.path is not None:
        raise InputError("--url and --path both say where the file is; give one of them")
    if new.table is not None and new.kind != "database":
        raise InputError(f"--table is for --source database; a source of kind {new.kind} reads no table")
    try:
        written = _write(new, folder=folder, models=models)
        load_workflow(settings.project, new.name, environment=settings.environment)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(models, ignore_errors=True)
        raise
    return [relative_name(settings.project, file) for file in written]


def _require_name(name: str) -> None:
    rule = "a name is lower case letters, digits and _, from a letter on, 2 to 63 long, e.g. shop_orders"
    if not re.fullmatch(NAME_PATTERN.strip("^$"), name):
        raise InputError(f"{name!r} cannot name a workflow: {rule}")
    if name in SCHEMAS_OF_DUCKDB or name.startswith("staging_"):
        why = "is a schema of DuckDB" if name in SCHEMAS_OF_DUCKDB else "begins with `staging_`, like our own schemas"
        raise InputError(f"{name!r} cannot name a workflow: it {why}")


def _listed() -> str:
    return ", ".join(source_kinds())


def _write(new: NewWorkflow, *, folder: Path, models: Path) -> list[Path]:
    data = folder / "data"
    written: list[Path] = []
    if new.kind == "file" and new.url is not None and is_elsewhere(new.url):
        url = read_file_url(new.url)
        sample = example_in(folder / "tests" / "sample", f"example{url.ending}", form=url.format)
        table, columns, key = _slug(url.stem), sample.columns, sample.key
        written.append(folder / "tests" / "sample" / f"example{url.ending}")
        extra = _of_file(sample) | _of_file_elsewhere(new.name, url, written[-1].relative_to(folder))
    elif new.kind == "file":
        path = Path(new.url) if new.url is not None else new.path
        sample = sniff(_brought(path, data)) if path is not None else example_file(data)
        table, columns, extra = _slug(Path(sample.path).name.split(".")[0]), sample.columns, _of_file(sample)
        written.append(folder / sample.path)
        key = sample.key
    elif new.kind == "api":
        api = read_url(new.url or EXAMPLE_URL)
        table, columns, key, extra = _slug(api.last), EVENT_COLUMNS, "event_id", _of_api(new.name, api)
    elif new.kind == "database":
        require_table(new.table or "events")
        if new.url is None:
            written.append(example_database(data))
            address = DatabaseUrl(FORM, f"sqlite:///data/{written[-1].name}")
        else:
            address = read_database_url(new.url)
        table, columns, key = _slug((new.table or "events").rpartition(".")[2]), EVENT_COLUMNS, "event_id"
        extra = {
            "variable": f"{new.name.upper()}_DB_URL",
            "form": address.shown,
            "default": f":-{address.default}" if address.default else "",
            "table there": _yaml(new.table or "events"),
        }
    else:
        table, columns, key, extra = "events", EVENT_COLUMNS, "event_id", {}
    words = _words(new, table=table, columns=columns, key=key) | extra
    for source in (SHARED, new.kind, *([ELSEWHERE[new.kind]] if _is_elsewhere(new) else [])):
        for template in sorted((TEMPLATES / source).rglob(f"*{SUFFIX}")):
            inside = template.relative_to(TEMPLATES / source).with_suffix("")
            if inside.stem == "table":  # rows of the source, in a file that is named like it
                inside = inside.with_stem(words["table"])
            target = models / _model_file(inside, words) if inside.parts[0] == "dbt" else folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(template, words), encoding="utf-8")
            written.append(target)
    return sorted(set(written))


def _is_elsewhere(new: NewWorkflow) -> bool:
    return new.url is not None and (new.kind == "database" or (new.kind == "file" and is_elsewhere(new.url)))


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


def _words(new: NewWorkflow, *, table: str, columns: Mapping[str, str], key: str) -> dict[str, str]:
    key_name = re.sub(r"\W+", "_", key).strip("_").lower() or "key"
    return {
        "name": new.name,
        "title": new.name.replace("_", " ").capitalize(),
        "owner": _yaml(new.owner),
        "table": table,
        "model": f"clean_{table}",
        "columns": "\n".join(f"      {_yaml(name)}: {_yaml(kind)}" for name, kind in columns.items()),
        "key": _yaml(key),
        "keys": f"[{_yaml(key)}]",
        "key name": key_name,
        "key text": re.sub(r"\W+", " ", key).strip() or "key",
        "key in sql": _yaml(_in_sql(key)),
        "not null": json.dumps(f"{_in_sql(key)} is not null", ensure_ascii=False),
        "two rows": json.dumps(f"select 1 as {_in_sql(key)} union all select null", ensure_ascii=False),
        "selected": ",\n".join(f"    {_in_sql(name)}" for name in columns),
        "window": "" if new.kind in ("file", "api") else ', window="2025-01-05"',
    }


def _of_file(sample: SampleFile) -> dict[str, str]:
    options = "".join(f"\n      {name}: {_yaml(value)}{_why(name)}" for name, value in sample.options.items())
    return {
        "path": _yaml(sample.path),
        "format": sample.format,
        "options": f"    options:{options}\n" if options else "",
        "rows": str(sample.rows),
    }


def _of_file_elsewhere(name: str, url: FileUrl, sample: Path) -> dict[str, str]:
    """Let the path be a variable's, so that tests can put a file of their own in its place."""
    variable = f"{name.upper()}_FILE"
    return {
        "path": f'"${{{variable}:-{url.address}}}"',
        "variable": variable,
        "sample": sample.as_posix(),
        "options": "",
    }


def _of_api(name: str, url: ApiUrl) -> dict[str, str]:
    variable = f"{name.upper()}_API"
    return {
        "url": f'"${{{variable}:-{url.server}}}{url.path}{url.query}"',
        "variable": variable,
        "api path": url.path,
    }


def _why(option: str) -> str:
    return "  # its first line has numbers alone; if they are names, remove this" if option == "header" else ""


def _yaml(text: str | bool) -> str:
    """Write a text, or a truth, as YAML reads it back, in quotes only where it must."""
    flow = yaml.safe_dump([text], default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return flow[1:-1]


def _in_sql(name: str) -> str:
    """Write a column's name as a person would: in quotes only where SQL needs them."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _reserved_words() else quote(name)


@cache
def _reserved_words() -> frozenset[str]:
    import duckdb

    query = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    with duckdb.connect() as connection:
        return frozenset(word for (word,) in connection.execute(query).fetchall())


def _model_file(inside: Path, words: Mapping[str, str]) -> str:
    return f"{words['model']}.sql" if inside.suffix == ".sql" else f"{words['name']}.yml"


def _filled(template: Path, words: Mapping[str, str]) -> str:
    return re.sub(r"<<([a-z ]+)>>", lambda found: words[found.group(1)], template.read_text(encoding="utf-8"))
