"""A config is laid in layers: its template < ``defaults.yaml`` < ``config.yaml`` < ``config.<environment>.yaml``.

Mappings merge, lists replace, tags add up, another ``type`` replaces a whole source, and ``null`` removes what was
inherited. Each value keeps the file and the place that it came from. What one key says for many, ``tables``, is spread
out last.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from pathlib import Path

from dataflow.errors import Problem
from dataflow.loading.environment_names import environment_file
from dataflow.loading.layer import Layer, read_layer
from dataflow.loading.messages import problem_at
from dataflow.loading.source_tables import with_source_tables
from dataflow.loading.templates import Templates, inherited_by
from dataflow.loading.yaml_document import Node
from dataflow.paths import WORKFLOWS

__all__ = ["merge", "read_defaults", "read_layers"]

Steps = tuple[str | int, ...]
_WORKFLOWS = WORKFLOWS.as_posix()


def read_defaults(project: Path) -> Layer:
    """Read what every workflow of the project inherits."""
    layer = read_layer(project, f"{_WORKFLOWS}/defaults.yaml")
    root = layer.root
    if root is None or not isinstance(root.value, dict):
        return layer
    problems = [
        problem_at(root, (key,), "it stands in config.yaml", hint="each config names its own template", on_key=True)
        for key in ("extends", "with")
        if key in root.value
    ]
    return Layer(None if problems else root, (*layer.problems, *problems))


def read_layers(
    project: Path,
    name: str,
    *,
    environment: str = "",
    defaults: Layer | None = None,
    templates: Templates | None = None,
) -> Layer:
    """Read a workflow's config with everything that it inherits, and merge it.

    Args:
        project: The project root.
        name: The workflow's folder.
        environment: Whose layer is laid over; none where it is empty.
        defaults: What every workflow inherits, where it is read already.
        templates: Those of the project, where some of them may be read already.
    """
    folder = f"{_WORKFLOWS}/{name}"
    config = read_layer(project, f"{folder}/config.yaml")
    if config.root is None and not config.problems:
        return Layer(None, (_missing_config(project, folder),))
    own = [config]
    if environment:
        own.append(read_layer(project, f"{folder}/{environment_file(environment)}"))
    template = _inherited(own, templates or Templates(project))
    layers = [template, defaults or read_defaults(project), *own]
    problems = tuple(problem for layer in layers for problem in layer.problems)
    if any(layer.problems and layer.root is None for layer in layers):
        return Layer(None, problems)
    merged, *upper = [layer.root for layer in layers if layer.root is not None]
    for root in upper:
        merged = merge(merged, root)
    # What is missing altogether is missing in config.yaml, whatever is laid over it.
    whole, misnamed = with_source_tables(replace(config.root or merged, value=merged.value))
    return Layer(whole, (*problems, *misnamed))


def _inherited(own: list[Layer], templates: Templates) -> Layer:
    """Read the template that the workflow's own files name; another environment may give it other inputs."""
    roots = [layer.root for layer in own if layer.root is not None]
    return inherited_by(reduce(merge, roots), templates) if roots else Layer(None)


def _missing_config(project: Path, folder: str) -> Problem:
    others = ("config.yml", "config.YAML", "Config.yaml")
    other = next((name for name in others if (project / folder / name).exists()), None)
    hint = f"rename {other} to config.yaml" if other else "write it, or remove the folder"
    return Problem(f"{folder}/config.yaml", 1, 1, "", "there is no such file", hint)


def merge(lower: Node, upper: Node, steps: Steps = ()) -> Node:
    """Lay one tree over another; neither changes."""
    below, above = lower.value, upper.value
    if steps == ("tags",) and isinstance(below, list) and isinstance(above, list):
        known = {node.value for node in below if isinstance(node.value, str)}
        return replace(
            upper,
            value=[*below, *(node for node in above if not isinstance(node.value, str) or node.value not in known)],
        )
    if not isinstance(below, dict) or not isinstance(above, dict) or _is_another_source(below, above, steps):
        return upper
    merged = dict(below)
    for key, node in above.items():
        if key not in merged:
            merged[key] = node
        elif node.value is None:
            del merged[key]
        else:
            merged[key] = merge(merged[key], node, (*steps, key))
    return replace(upper, value=merged)


def _is_another_source(below: dict[str, Node], above: dict[str, Node], steps: Steps) -> bool:
    if len(steps) != 2 or steps[0] != "sources" or "type" not in above or "type" not in below:
        return False
    return above["type"].value != below["type"].value
