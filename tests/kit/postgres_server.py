"""A PostgreSQL of a test's own, which may be restarted while others speak with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from kit.databases import postgres_database

__all__ = ["Server", "postgres_server"]

OPTIONS = "-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=50"


class Server(Protocol):
    """A server with an empty database."""

    database: sa.URL

    def restart(self) -> None:
        """Break every session off; whatever was not committed is gone."""


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Give a server of its own; where its programs are not installed, the sessions of a database of the tests' server.

    The test is skipped where there is neither.
    """
    programs = _programs()
    if programs is None:
        with postgres_database() as database:
            yield _Sessions(database)
        return
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = _Own(programs, folder / "data", port)
    try:
        if os.getuid() == 0:  # as root it refuses to run
            shutil.chown(folder, "postgres")
        own.call("initdb", "-D", str(own.data), "-U", "postgres", "--auth=trust", "--no-sync")
        own.control("start")
        try:
            yield own
        finally:
            own.control("stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Own:
    def __init__(self, programs: Path, data: Path, port: int) -> None:
        self.data, self._programs, self._port = data, programs, port
        self.database = sa.make_url(f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres")

    def restart(self) -> None:
        self.control("restart")

    def control(self, what: str) -> None:
        # "immediate" is what a crash is.
        given = [] if what == "start" else ["-m", "immediate"]
        given += [] if what == "stop" else ["-o", f"{OPTIONS} -p {self._port}", "-l", str(self.data / "log")]
        self.call("pg_ctl", "-D", str(self.data), "-s", "-w", *given, what)

    def call(self, program: str, *arguments: str) -> None:
        as_whom: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
        command = [str(self._programs / program), *arguments]
        # Not captured: the server would keep the pipe open.
        subprocess.run(command, check=True, cwd=self.data.parent, stdout=subprocess.DEVNULL, timeout=60, **as_whom)


class _Sessions:
    def __init__(self, database: sa.URL) -> None:
        self.database = database

    def restart(self) -> None:
        engine = sa.create_engine(self.database, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        engine.dispose()


def _programs() -> Path | None:
    """Give the folder of the newest server's programs; None where there is none that we may run."""
    import pwd

    try:
        if os.getuid() == 0:
            pwd.getpwnam("postgres")
    except KeyError:
        return None
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))
    return next((folder for folder in reversed(folders) if (folder / "pg_ctl").exists()), None)
