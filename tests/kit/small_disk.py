"""A small disk that can be filled: of its own where it may be mounted, else a bound on how large files may grow."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

__all__ = ["SmallDisk", "small_disk"]

SIZE, PIECE = 256 << 20, 1 << 16


class SmallDisk(Protocol):
    """A folder with little room."""

    folder: Path
    says: str
    """How the system says that there is no room."""

    def fill(self, *, leave: int) -> None:
        """Leave so many bytes free."""

    def free(self) -> None:
        """Make room again."""


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Give an empty disk; the first kind needs the right to mount, which a container's root may lack."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield _Mounted(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield _Bounded(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class _Mounted:
    says = "No space left on device"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave: int) -> None:
        room = shutil.disk_usage(self.folder).free - leave
        with self._ballast.open("wb") as file:
            for _ in range(room // PIECE):
                file.write(bytes(PIECE))

    def free(self) -> None:
        self._ballast.unlink()


class _Bounded:
    says = "File too large"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, *, leave: int) -> None:
        largest = max((file.stat().st_size for file in self.folder.rglob("*") if file.is_file()), default=0)
        self._bound(largest + leave)

    def free(self) -> None:
        self._bound(resource.RLIM_INFINITY)

    def _bound(self, soft: int) -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
