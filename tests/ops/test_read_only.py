"""Run history is read by whoever may read its file, and by nobody else changed."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dataflow.ops.history import History
from dataflow.ops.tables import runs
from kit.someone_else import exit_code_as_someone_else


@pytest.fixture
def file() -> Iterator[Path]:
    """A history that this user writes, where others may look."""
    folder = Path(tempfile.mkdtemp(prefix="dataflow-test-"))
    folder.chmod(0o755)
    made = folder / "ops.db"
    History(f"sqlite:///{made}").create()
    yield made
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_who_may_not_write_reads_a_history_that_nobody_has_open(file: Path) -> None:
    assert 0 == _as_a_reader(file, _count)
    assert ["ops.db"] == [each.name for each in file.parent.iterdir()]


def test_who_may_not_write_reads_what_a_writer_has_just_written(file: Path) -> None:
    writer = sqlite3.connect(file)
    writer.execute("create table extra as select 1 as a")

    assert 0 == _as_a_reader(file, _extra)
    writer.close()


def test_who_may_not_write_reads_what_a_killed_writer_left(file: Path) -> None:
    writer = sqlite3.connect(file)
    writer.execute("create table extra as select 1 as a")
    left = file.with_name("left.db")
    for ending in ("", "-wal"):
        shutil.copyfile(f"{file}{ending}", f"{left}{ending}")
    writer.close()

    assert 0 == _as_a_reader(left, _extra)


def _count(file: Path) -> bool:
    with History(f"sqlite:///{file}").read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar() == 0


def _extra(file: Path) -> bool:
    with History(f"sqlite:///{file}").read() as connection:
        return connection.execute(sa.text("select a from extra")).scalar() == 1


def _as_a_reader(file: Path, look: Callable[[Path], bool]) -> int:
    file.chmod(0o444)
    file.parent.chmod(0o555)
    return exit_code_as_someone_else(lambda: sys.exit(not look(file)))
