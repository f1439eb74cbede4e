"""What stands before JSON: the mark of its encoding, which DuckDB's reader does not take before a list."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dataflow.errors import ContractError
from dataflow.sources.reading import SourceFile

__all__ = ["without_marks_of_encoding"]

FEW = 64


def without_marks_of_encoding(files: Sequence[SourceFile], folder: Path) -> list[SourceFile]:
    """Give the files as they are, or copies of them in the folder that begin with their list.

    Raises:
        ContractError: for one that is not UTF-8.
    """
    return [_readable(file, folder / f"{number:06}.json") for number, file in enumerate(files)]


def _readable(file: SourceFile, target: Path) -> SourceFile:
    with file.path.open("rb") as opened:
        head = opened.read(FEW)
        if b"\0" in head[:4] or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ContractError(f"{file.shown}: it is UTF-16 or UTF-32, and JSON is UTF-8; save it as UTF-8")
        rest = head.removeprefix(codecs.BOM_UTF8)
        if rest == head or not rest.lstrip().startswith(b"["):
            return file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as into:
            into.write(rest)
            shutil.copyfileobj(opened, into)
    return replace(file, path=target)
