"""The pages of docs/: their YAML loads, their files are written, their commands print what they show."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dataflow.registry import load_registry
from kit.document import RUN, Block, blocks_of, links_of
from kit.project import REPOSITORY
from kit.shell import Shell
from kit.walk import Walk, plain_environment

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
page_of_docs = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is committed, with the environment of these tests instead of one of its own."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "checkout", filter="data")
    return tmp_path / "checkout"


@pytest.fixture
def shell(checkout: Path) -> Iterator[Shell]:
    environment = plain_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    with Shell(checkout, environment) as shell:
        yield shell


def is_piece(block: Block) -> bool:
    """Tell whether the block stands for a part of the config before it."""
    return block.language == "yaml" and block.file is None


@page_of_docs
@pytest.mark.slow
def test_what_a_page_says_is_what_happens(page: Path, checkout: Path, shell: Shell) -> None:
    walk = Walk(page, checkout, shell, {str(checkout): "/home/ada/dataflow"})

    walk.follow([block for block in blocks_of(page) if not is_piece(block)])


@page_of_docs
def test_every_piece_of_yaml_fits_into_the_config_before_it(page: Path, checkout: Path) -> None:
    blocks = blocks_of(page)
    walk = Walk(page, checkout, None, {})
    walk.follow([block for block in blocks if block.language not in RUN and not is_piece(block)])
    problems = []
    config: Path | None = None
    for block in blocks:
        if block.file is not None and block.file.endswith("config.yaml"):
            config = checkout / block.file
        elif is_piece(block):
            assert config is not None, f"{page.name}:{block.line}: no config is before this piece"
            problems += [f"{page.name}:{block.line}: {told}" for told in _problems_with(block, config, checkout)]

    assert [] == problems


@page_of_docs
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links_of(page) if not (page.parent / link).exists()]

    assert [] == missing


def _problems_with(piece: Block, config: Path, root: Path) -> list[str]:
    """Put the piece in place of the same keys, and give what is then wrong with the config."""
    whole = config.read_text(encoding="utf-8")
    merged = yaml.safe_load(whole) | yaml.safe_load(piece.text)
    config.write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")
    try:
        return [str(problem) for problem in load_registry(root, only=config.parent.name).problems]
    finally:
        config.write_text(whole, encoding="utf-8")


def test_every_message_of_the_troubleshooting_is_one_of_ours() -> None:
    page = (REPOSITORY / "docs" / "authoring.md").read_text(encoding="utf-8")
    rows = [line for line in page.partition("## Troubleshooting by message")[2].splitlines() if line.startswith("| `")]
    code = " ".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "include" / "dataflow").rglob("*.py"))
    said = re.sub(r'"\s*f?"', "", code)

    unknown = [part for row in rows for part in re.findall(r"`([^`]+)`", row.split("|")[1]) if part not in said]

    assert len(rows) > 10
    assert [] == unknown
