"""Does what a page says, block by block, and compares what it shows with what happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.document import RUN, WRITTEN, Block, Command, is_shown, normal
from kit.project import REPOSITORY
from kit.shell import Shell

SERVES = "make run"
"""The command that goes on until Ctrl-C."""
SERVING = "Ctrl-C ends it."
SERVING_SECONDS = 1_500
ENDING_SECONDS = 60


def clone(folder: Path) -> Path:
    """Give an empty clone of the repository, as it is committed."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, folder], check=True, capture_output=True)
    return folder


def plain_environment(**given: str) -> dict[str, str]:
    """Give the environment of somebody who did nothing here yet: no virtual environment, none of our variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATAFLOW_", "AIRFLOW", "PYTEST", "COV_", "DBT_"))
        and name not in ("VIRTUAL_ENV", "COLUMNS")
    }
    own = str(REPOSITORY / ".venv" / "bin")
    kept["PATH"] = os.pathsep.join(folder for folder in kept["PATH"].split(os.pathsep) if folder != own)
    return kept | given


def free_port() -> int:
    """Give a port such that Airflow's others, which keep their distance to it, are free too."""
    for port in range(21_000 + os.getpid() % 5_000, 32_000, 7):
        try:
            for each in (port, port + 713, port + 714, port + 894):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


@dataclass
class Server:
    """What `make run` started, on its own terminal."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def printed(self) -> str:
        """Give all that it printed so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_until_it_serves(self) -> None:
        """Wait for the address; an end before it is a failure."""
        end = time.monotonic() + SERVING_SECONDS
        while SERVING not in self.printed:
            assert self.process.poll() is None, f"make run ended with {self.process.returncode}:\n{self.printed}"
            assert time.monotonic() < end, f"make run did not serve within {SERVING_SECONDS} s:\n{self.printed}"
            time.sleep(0.5)

    def interrupt(self) -> int:
        """Press Ctrl-C, which goes to every process of the terminal, and give the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(ENDING_SECONDS)


@dataclass
class Walk:
    """A page, being followed in a folder."""

    page: Path
    folder: Path
    shell: Shell | None
    """None where nothing is run."""
    here: Mapping[str, str]
    """What of this place is called how on the page."""
    servers: list[Server] = field(default_factory=list)
    written_at: dict[str, float] = field(default_factory=dict)
    """When each file was first written."""

    def follow(self, blocks: Sequence[Block]) -> None:
        """Run and write the blocks in order; the first thing that is not as shown fails with its line."""
        for block in blocks:
            if block.language in RUN:
                for command in block.commands:
                    self._run(command)
            elif block.language in WRITTEN:
                self._write(block)

    def end(self) -> None:
        """Leave nothing running."""
        for server in self.servers:
            if server.process.poll() is None:
                try:
                    server.interrupt()
                except subprocess.TimeoutExpired:
                    os.killpg(server.process.pid, signal.SIGKILL)

    def _run(self, command: Command) -> None:
        assert self.shell is not None
        real = self._serve(self.shell) if command.text == SERVES else self.shell.run(command.text)[1]
        place = f"{self.page.name}:{command.line}"
        told = f"{place}: $ {command.text}\nshown:\n{normal(command.shown)}\n\nreal:\n{normal(real, here=self.here)}"
        assert is_shown(command.shown, real, here=self.here), told

    def _serve(self, shell: Shell) -> str:
        log = self.folder.with_name(f"{self.folder.name}-make-run.log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["make", "run"],
                cwd=self.folder,
                env=shell.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(process, log)
        self.servers.append(server)
        server.wait_until_it_serves()
        return server.printed

    def _write(self, block: Block) -> None:
        assert block.file is not None, f"{self.page.name}:{block.line}: no file is named for this {block.language}"
        file = self.folder / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
        self.written_at.setdefault(block.file, time.time())


def processes_in(folder: Path) -> list[str]:
    """Give the command line of every process that works in the folder or was started from it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            works_in = (entry / "cwd").readlink()
        except OSError:  # gone, or not ours
            continue
        if command and (str(folder) in command or works_in.is_relative_to(folder)):
            found.append(command)
    return found
