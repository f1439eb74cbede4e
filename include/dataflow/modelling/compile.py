"""Compile models: dbt parses each changed workflow on its own, and its manifest is put where DAGs find it."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from dataflow.errors import Problem
from dataflow.modelling.dbt_error import problem_of
from dataflow.modelling.environment import dbt_environment, dbt_flags, parse_environment
from dataflow.modelling.manifest import error_path, manifest_path, manifest_problem, models_folder, partial_parse_path
from dataflow.modelling.parser_process import ParserProcess
from dataflow.modelling.sources_yml import FILE_NAME, render_sources
from dataflow.modelling.strays import strays
from dataflow.paths import relative_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = ["compile_models"]

_KEPT = 3
"""Manifests of one workflow that stay: another environment's config may give another hash of the same models."""

_TRIES = 3


def compile_models(
    settings: Settings,
    workflows: Iterable[Workflow],
    *,
    force: bool = False,
    progress: Callable[[str, Problem | None], None] | None = None,
) -> list[Problem]:
    """Compile the models of every given workflow that changed since it was last compiled.

    A workflow whose models do not compile is a problem of its own: every other workflow gets its manifest. What failed
    is not tried again until its files change.

    Args:
        settings: Of the installation.
        workflows: Those without models are passed over.
        force: Also compile what is fresh or failed before.
        progress: Called with a workflow's name and its problem whenever one is done, from several threads.

    Returns:
        The problems, sorted.
    """
    problems: list[Problem] = []
    waiting: SimpleQueue[Workflow] = SimpleQueue()
    for workflow in workflows:
        _write_sources(settings, workflow)
        manifest = manifest_path(settings, workflow)
        if not workflow.models or (manifest.exists() and not force):
            continue
        if error_path(manifest).exists() and not force:
            problems += filter(None, [manifest_problem(workflow, settings)])
        else:
            waiting.put(workflow)
    count = min(os.cpu_count() or 1, waiting.qsize())
    if count:
        with ThreadPoolExecutor(count, thread_name_prefix="dbt-parse") as pool:
            for found in pool.map(lambda _: _work(settings, waiting, progress), range(count)):
                problems += found
    return sorted(problems)


def _work(
    settings: Settings, waiting: SimpleQueue[Workflow], progress: Callable[[str, Problem | None], None] | None
) -> list[Problem]:
    problems: list[Problem] = []
    with ParserProcess() as parser:
        while True:
            try:
                workflow = waiting.get_nowait()
            except Empty:
                return problems
            problem = _compile(settings, workflow, parser)
            if problem is not None:
                problems.append(problem)
            if progress is not None:
                progress(workflow.name, problem)


def _compile(settings: Settings, workflow: Workflow, parser: ParserProcess) -> Problem | None:
    for _ in range(_TRIES):
        manifest = manifest_path(settings, workflow)
        problem = _parse(settings, workflow, manifest=manifest, parser=parser)
        if manifest == manifest_path(settings, workflow):
            break  # else someone saved a file meanwhile, and this is the manifest of neither state
    _sweep(manifest)
    return problem


def _parse(settings: Settings, workflow: Workflow, *, manifest: Path, parser: ParserProcess) -> Problem | None:
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parse-", dir=manifest.parent) as target:
        error = parser.ask(
            {
                "env": dbt_environment(settings, workflow) | parse_environment(),
                "flags": [*dbt_flags(settings), "--target-path", target, "--log-path", target],
            }
        )
        if error is not None:
            return _tell(manifest, problem_of(error, settings=settings, workflow=workflow.name))
        full = json.loads(Path(target, "manifest.json").read_bytes())
        problem = _test_of_no_model(full, settings=settings)
        problem = problem or next(strays(full, settings=settings, workflow=workflow.name), None)
        if problem is not None:
            return _tell(manifest, problem)
        partial_parse = Path(target, "partial_parse.msgpack")
        if partial_parse.exists():
            partial_parse.replace(partial_parse_path(manifest))
    _write(manifest, json.dumps(_cut(full), separators=(",", ":")))
    error_path(manifest).unlink(missing_ok=True)
    return None


def _tell(manifest: Path, problem: Problem) -> Problem:
    _write(error_path(manifest), json.dumps(asdict(problem)))
    manifest.unlink(missing_ok=True)
    return problem


def _test_of_no_model(manifest: dict[str, Any], *, settings: Settings) -> Problem | None:
    """Find a test that no task of the group would stand for: its failure would go unnoticed."""
    nodes = manifest["nodes"]
    for node in nodes.values():
        if node["resource_type"] == "test" and not any(parent in nodes for parent in node["depends_on"]["nodes"]):
            return Problem(
                path=relative_name(settings.project, settings.dbt_project / node["original_file_path"]),
                line=1,
                column=1,
                key="dbt",
                message=f"the test {node['name']} reads no model, so no task would show that it fails",
                hint="have it `ref` a model; checks of loaded tables belong in `validate` of the config",
            )
    return None


_NODE = ("unique_id", "resource_type", "package_name", "original_file_path", "tags", "fqn", "schema", "config")


def _cut(manifest: dict[str, Any]) -> dict[str, Any]:
    """Keep what a DAG is drawn from. dbt's own macros are nine tenths of a manifest, and every parse reads it."""
    nodes = {
        unique_id: {key: node[key] for key in _NODE if key in node}
        | {"depends_on": {"nodes": node.get("depends_on", {}).get("nodes", [])}, "config": _cut_config(node)}
        for unique_id, node in sorted(manifest["nodes"].items())  # dbt's order varies, a DAG's must not
    }
    return {"metadata": {"project_name": manifest["metadata"]["project_name"]}, "nodes": nodes}


def _cut_config(node: dict[str, Any]) -> dict[str, Any]:
    config = node.get("config", {})
    return {key: config[key] for key in ("materialized", "meta") if config.get(key)}


def _write_sources(settings: Settings, workflow: Workflow) -> None:
    folder = models_folder(settings, workflow.name)
    if not workflow.models or not folder.is_dir():
        return
    path = folder / FILE_NAME
    text = render_sources(workflow.spec)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", encoding="utf-8", delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _sweep(manifest: Path) -> None:
    workflow = manifest.stem.rpartition("-")[0]
    manifests = sorted(manifest.parent.glob(f"{workflow}-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in manifests[_KEPT:]:
        old.unlink(missing_ok=True)
        partial_parse_path(old).unlink(missing_ok=True)
    for told in manifest.parent.glob(f"{workflow}-*.error"):
        if told != error_path(manifest):
            told.unlink(missing_ok=True)
