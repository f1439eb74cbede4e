"""What a hostile or broken folder may hold in place of a workflow: each is refused at once and hides nobody."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from kit.project import Project

SOUND = """\
description: Made-up events.
owner: tests
schedule: "@daily"
start_date: 2025-01-01
sources:
  events: {type: mock, columns: {event_id: BIGINT}}
"""
FROM_PYTHON = "description: x\nowner: x\nsources: {events: {type: python}}\n"
LAUGHS = "a: &a [lol, lol]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP_BLOCK = "".join(f"{'  ' * level}a:\n" for level in range(150))

TEXTS: dict[str, str | bytes] = {
    "alias_bomb": LAUGHS,
    "alias_cycle": "a: &a [*a]\n",
    "merge_key": f"base: &base {{owner: x}}\n<<: *base\n{SOUND}",
    "deep_brackets": "[" * 100_000,
    "deep_braces": "{a: " * 50_000,
    "deep_block": DEEP_BLOCK,
    "deep_dashes": "- " * 50_000,
    "one_key_again_and_again": "owner: x\n" * 20_000,
    "twice_the_same_key": SOUND + "owner: somebody else\n",
    "long_line": "x" * 250_000,
    "long_key": f"{'x' * 200_000}: 1\n{SOUND}",
    "many_unknown_keys": "".join(f"key_{number}: 1\n" for number in range(12_000)),
    "long_number": f"{SOUND}retries: {'9' * 200_000}\n",
    "open_templates": f"{SOUND}title: '{'{{a' * 60_000}'\n",
    "object_tag": f"{SOUND}settings: !!python/object/apply:os.system ['true']\n",
    "own_tag": f"{SOUND}title: !secret token\n",
    "utf_16": SOUND.encode("utf-16"),
    "utf_32": SOUND.encode("utf-32"),
    "latin_1": f"{SOUND}title: Café\n".encode("latin-1"),
    "surrogate": SOUND.encode() + b"title: \xed\xa0\x80\n",
    "nul_bytes": SOUND.encode() + b"title: a\x00b\n",
    "only_nul_bytes": b"\x00" * 200_000,
    "terminal_escapes": f"{SOUND}title: \x1b[2J\n",
}
"""Bodies of a ``config.yaml``."""


def _directory(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path may only be 100 characters long
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 34)


def _link_out(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


THINGS: dict[str, Callable[[Path], None]] = {
    "directory": _directory,
    "pipe": os.mkfifo,
    "socket": _socket,
    "sparse": _sparse,
    "link_out": _link_out,
    "zeros": _link_to_zeros,
    "circle": _link_to_itself,
}
"""What may stand where a file is expected."""


def lay_out_attacks(project: Project) -> list[str]:
    """Write every attack into a project, a workflow each, and give their names."""
    names = [_text(project, name, body) for name, body in TEXTS.items()]
    for thing, make in THINGS.items():
        folder = project.folder(f"config_is_{thing}")
        folder.mkdir(parents=True)
        make(folder / "config.yaml")
        module = project.write_workflow(f"module_is_{thing}", FROM_PYTHON)
        make(module / "ingestion.py")
        names += [folder.name, module.name]
        if thing not in ("directory", "sparse"):  # a folder of models is one, and dbt may have large ones
            project.write_workflow(f"model_is_{thing}", SOUND)
            models = project.root / "dbt" / "models" / f"model_is_{thing}"
            models.mkdir(parents=True)
            make(models / "daily.sql")
            names.append(models.name)
    names += [_loop_of_models(project), _module(project, "deep_python", "(" * 100_000)]
    return [*names, _module(project, "minus_python", f"x = {'-' * 100_000}1"), _module(project, "nul_python", "x\0")]


def _text(project: Project, name: str, body: str | bytes) -> str:
    project.write_file(f"include/workflows/{name}/config.yaml", body)
    return name


def _module(project: Project, name: str, source: str) -> str:
    project.write_workflow(name, FROM_PYTHON, ingestion=source)
    return name


def _loop_of_models(project: Project) -> str:
    project.write_workflow("loop_of_models", SOUND)
    folder = project.root / "dbt" / "models" / "loop_of_models"
    folder.mkdir(parents=True)
    for name in ("here", "there"):
        (folder / name).symlink_to(folder, target_is_directory=True)
    return folder.name
