"""A new workflow: config, modules, tests and a dbt model, from the templates beside this file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.loading.load import SCHEMAS_OF_DUCKDB, load_workflow
from dataflow.paths import folder_of, relative_name
from dataflow.scaffold.first_source import FirstSource, first_source
from dataflow.scaffold.new_workflow import NewWorkflow
from dataflow.scaffold.spelling import in_sql, in_yaml
from dataflow.spec.base import NAME_PATTERN

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["create_workflow", "source_kinds"]

TEMPLATES = Path(__file__).parent / "templates"
SHARED = "common"
OUT_OF_REACH = {"database": "database_elsewhere", "file": "file_elsewhere"}
"""What tests need beside a kind's own templates, or in their place, where the source is one that they cannot reach."""
SUFFIX = ".template"


def source_kinds() -> tuple[str, ...]:
    """Give the kinds of source that there is a template for, sorted."""
    others = (SHARED, *OUT_OF_REACH.values())
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
    _require_options(new)
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


def _require_options(new: NewWorkflow) -> None:
    """Refuse options that mean nothing for the kind of source."""
    if new.kind not in source_kinds():
        there = ", ".join(source_kinds())
        raise InputError(f"--source {new.kind}: no such kind of source to begin with; there is {there}")
    if new.path is not None and new.kind != "file":
        raise InputError(f"--path is for --source file; a source of kind {new.kind} reads no file")
    if new.url is not None and new.kind not in ("api", "database", "file"):
        raise InputError(f"--url is for --source api, database and file; a source of kind {new.kind} asks nobody")
    if new.url is not None and new.path is not None:
        raise InputError("--url and --path both say where the file is; give one of them")
    if new.table is not None and new.kind != "database":
        raise InputError(f"--table is for --source database; a source of kind {new.kind} reads no table")


def _write(new: NewWorkflow, *, folder: Path, models: Path) -> list[Path]:
    source = first_source(new, folder)
    words = {**_words(new, source), **source.words}
    written = set(source.files)
    for template, inside in _templates(new, source.table):
        target = models / _model_file(inside, words) if inside.parts[0] == "dbt" else folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(template, words), encoding="utf-8")
        written.add(target)
    return sorted(written)


def _templates(new: NewWorkflow, table: str) -> Iterator[tuple[Path, Path]]:
    """Give each template and where its file lies in the workflow's folder; what comes later takes an earlier place."""
    for name in (SHARED, new.kind, *([OUT_OF_REACH[new.kind]] if new.is_out_of_reach else [])):
        for template in sorted((TEMPLATES / name).rglob(f"*{SUFFIX}")):
            inside = template.relative_to(TEMPLATES / name).with_suffix("")
            # Rows of the source lie in a file that is called like its table.
            yield template, inside.with_stem(table) if inside.stem == "table" else inside


def _words(new: NewWorkflow, source: FirstSource) -> dict[str, str]:
    key = source.key
    return {
        "name": new.name,
        "title": new.name.replace("_", " ").capitalize(),
        "owner": in_yaml(new.owner),
        "table": source.table,
        "model": f"clean_{source.table}",
        "columns": "\n".join(f"      {in_yaml(name)}: {in_yaml(kind)}" for name, kind in source.columns.items()),
        "key": in_yaml(key),
        "keys": f"[{in_yaml(key)}]",
        "key name": re.sub(r"\W+", "_", key).strip("_").lower() or "key",
        "key text": re.sub(r"\W+", " ", key).strip() or "key",
        "key in sql": in_yaml(in_sql(key)),
        "not null": json.dumps(f"{in_sql(key)} is not null", ensure_ascii=False),
        "two rows": json.dumps(f"select 1 as {in_sql(key)} union all select null", ensure_ascii=False),
        "selected": ",\n".join(f"    {in_sql(name)}" for name in source.columns),
        "window": "" if new.kind in ("file", "api") else ', window="2025-01-05"',
    }


def _model_file(inside: Path, words: Mapping[str, str]) -> str:
    return f"{words['model']}.sql" if inside.suffix == ".sql" else f"{words['name']}.yml"


def _filled(template: Path, words: Mapping[str, str]) -> str:
    return re.sub(r"<<([a-z ]+)>>", lambda found: words[found.group(1)], template.read_text(encoding="utf-8"))
