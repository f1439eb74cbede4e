"""What a workflow's dbt models read, seen in their text: dbt need not run, so it is told before any compile."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import Problem
from dataflow.loading.files import UnreadableFile, read_file
from dataflow.modelling.manifest import models_folder
from dataflow.modelling.sources_yml import FILE_NAME
from dataflow.near_miss import known_words
from dataflow.paths import relative_name
from dataflow.spec.tables import tables_of

if TYPE_CHECKING:
    import jinja2

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["problems_of_references"]

MAX_BYTES = 1024 * 1024
_SNAPSHOT = re.compile(r"\{%-?\s*snapshot\s+(\w+)")
_NAME_IN_YAML = re.compile(r"\bname:\s*['\"]?(\w+)")


@dataclass(frozen=True, slots=True)
class Readable:
    """What a workflow's models may read."""

    nodes: frozenset[str]
    """Models, seeds and snapshots."""
    sources: Mapping[str, frozenset[str]]
    """Tables by the name of their source."""


def problems_of_references(workflow: Workflow, settings: Settings) -> Iterator[Problem]:
    """Find each ``ref`` and ``source`` of the models that names nothing, and models whose Jinja does not parse."""
    if (settings.dbt_project / "dbt_packages").is_dir():
        return  # what packages bring may be read too, and only dbt knows it
    folder = models_folder(settings, workflow.name)
    readable = _readable(workflow, settings, folder)
    environment = _environment()
    for file in sorted([*folder.rglob("*.sql"), *folder.rglob("*.py")]):
        path = relative_name(settings.project, file)
        try:
            content = read_file(settings.dbt_project, relative_name(settings.dbt_project, file), limit=MAX_BYTES)
        except UnreadableFile as error:
            yield Problem(path, 1, 1, "", error.message, error.hint)
            continue
        if content is None or len(content) > MAX_BYTES:
            continue
        text = content.decode("utf-8", "replace")
        if file.suffix == ".py":
            yield from _in_python(text, path, readable)
        else:
            yield from _in_sql(text, path, readable, environment)


def _in_python(text: str, path: str, readable: Readable) -> Iterator[Problem]:
    """Find what ``dbt.ref("...")`` and ``dbt.source("...", "...")`` name; dbt itself tells where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="dbt"), attr=name), args=args, keywords=[]):
                given = [each.value for each in args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
                told = _unknown(name, given, readable) if len(given) == len(args) else None
                if told is not None:
                    yield Problem(path, call.lineno, call.args[-1].col_offset + 2, "", *told)


def _in_sql(text: str, path: str, readable: Readable, environment: jinja2.Environment) -> Iterator[Problem]:
    import jinja2

    try:
        tree = environment.parse(text)
    except jinja2.TemplateSyntaxError as error:
        if "unknown tag" not in str(error):
            yield Problem(path, error.lineno, 1, "", f"not valid Jinja: {error.message}")
        return
    lines = text.splitlines()
    for call in tree.find_all(jinja2.nodes.Call):
        name = call.node.name if isinstance(call.node, jinja2.nodes.Name) else ""
        arguments = [each.value for each in call.args if isinstance(each, jinja2.nodes.Const)]
        if len(arguments) != len(call.args) or not all(isinstance(each, str) for each in arguments):
            continue  # computed, so only dbt can tell
        told = _unknown(name, arguments, readable)
        if told is not None:
            line = lines[call.lineno - 1] if call.lineno <= len(lines) else ""
            yield Problem(path, call.lineno, max(line.find(str(arguments[-1])), 0) + 1, "", *told)


def _unknown(name: str, arguments: list[str], readable: Readable) -> tuple[str, str] | None:
    """Give message and hint where a call names nothing that is there."""
    if name == "ref" and len(arguments) == 1 and arguments[0] not in readable.nodes:
        return f"no model is called '{arguments[0]}'", known_words(arguments[0], readable.nodes, what="there are")
    if name == "source" and len(arguments) == 2:
        source, table = arguments
        if source not in readable.sources:
            return f"no source is called '{source}'", "the workflow's own tables are the source 'staging'"
        if table not in readable.sources[source]:
            hint = known_words(table, readable.sources[source], what="it has")
            return f"the source '{source}' has no table '{table}'", hint
    return None


def _readable(workflow: Workflow, settings: Settings, folder: Path) -> Readable:
    nodes = {file.stem for suffix in ("sql", "csv", "py") for file in folder.rglob(f"*.{suffix}")}
    for file in (settings.dbt_project / "snapshots" / workflow.name).rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            nodes.update((_SNAPSHOT if file.suffix == ".sql" else _NAME_IN_YAML).findall(text))
    sources = {"staging": frozenset(tables_of(workflow.spec))}
    for file in folder.rglob("*.y*ml"):
        if file.name != FILE_NAME and file.is_file():
            for name, tables in _sources_of(file):
                sources[name] = sources.get(name, frozenset()) | tables
    return Readable(frozenset(nodes), sources)


def _sources_of(file: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Give the sources that an author's own YAML defines; dbt itself tells where it is not sound."""
    import yaml

    text = file.read_text(encoding="utf-8", errors="replace")
    if "sources:" not in text or "&" in text:
        return
    try:
        whole = yaml.load(text, Loader=yaml.CSafeLoader)  # a safe loader, and no anchors
        for source in whole["sources"]:
            yield str(source["name"]), frozenset(str(table["name"]) for table in source.get("tables") or ())
    except (yaml.YAMLError, KeyError, TypeError):
        return


def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701  # only parsed
