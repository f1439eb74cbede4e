"""Which files a file source reads, made ready: found, refused when they are no data, unpacked."""

from __future__ import annotations

import glob
import gzip
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

from dataflow.errors import ContractError
from dataflow.sources.reading import SourceFile

__all__ = ["find_files", "is_web_page", "ready_files"]

HTML = (b"<!doctype html", b"<html")
PEEK = 512


def find_files(path: str, folder: Path) -> list[SourceFile]:
    """Give the files that a path or glob names, sorted; relative ones lie in the workflow's folder.

    Raises:
        ContractError: when there is none.
    """
    if "://" in path:
        raise ContractError(f"{path}: only files of this machine can be read; copy it there, or use a python source")
    exact = folder / path
    if exact.is_file():
        found = [exact]
    else:
        # Not Path.glob: it takes no absolute pattern, and a folder's own name may hold what a glob reads.
        names = glob.glob(path, root_dir=folder, recursive=True)  # noqa: PTH207
        found = sorted(folder / name for name in names if (folder / name).is_file())
    if not found:
        raise ContractError(f"no file {path} in {folder.name}/; put it there, or correct the source's `path`")
    return [SourceFile(file, _shown(file, folder)) for file in found]


def ready_files(files: Sequence[SourceFile], scratch: Path, *, may_be_empty: bool) -> list[SourceFile]:
    """Unpack ``.gz`` into the scratch folder and look at the first bytes of each file.

    DuckDB does not check a gzip file's length and checksum; unpacking it here does.

    Raises:
        ContractError: when a file is damaged, a web page, or empty where that is not ``may_be_empty``.
    """
    ready = []
    for number, file in enumerate(files):
        unpacked = file
        if file.path.suffix == ".gz":
            unpacked = SourceFile(_unpack(file, scratch / f"{number:05}-{file.path.stem}"), file.shown)
        _refuse(unpacked, may_be_empty=may_be_empty)
        ready.append(unpacked)
    return ready


def is_web_page(file: Path) -> bool:
    """Tell whether a file begins as a web page does."""
    return _start(file).startswith(HTML)


def _shown(file: Path, folder: Path) -> str:
    try:
        return file.relative_to(folder).as_posix()
    except ValueError:
        return file.as_posix()


def _unpack(file: SourceFile, target: Path) -> Path:
    try:
        with gzip.open(file.path) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ContractError(f"{file.shown}: not a whole gzip file ({error}); fetch it again") from None
    return target


def _start(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(PEEK).removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _refuse(file: SourceFile, *, may_be_empty: bool) -> None:
    start = _start(file.path)
    if start.startswith(HTML):
        raise ContractError(f"{file.shown}: a web page, not data; often a login or error page saved under this name")
    if not start and not may_be_empty:
        raise ContractError(f"{file.shown}: empty, without even a header; write the header where there are no rows")
