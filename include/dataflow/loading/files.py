"""Read a file of the project, never waiting on a pipe and never following a link out of the tree."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["UnreadableFile", "leads_into", "read_file"]


class UnreadableFile(Exception):
    """Something stands in place of a file; the text says what, the hint the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


def read_file(project: Path, name: str, *, limit: int) -> bytes | None:
    """Give the content, at most ``limit`` bytes and one more; None where there is no such file.

    Args:
        project: The project root.
        name: Relative to it, with forward slashes. Text, for joining paths would take as long as reading the file.
        limit: In bytes.

    Raises:
        UnreadableFile: when it is a directory, a pipe, a link that leaves the project, or not ours to read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            descriptor = os.open(f"{project}/{name}", flags | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError:
            if not (project / name).is_symlink():
                raise
            descriptor = os.open(_target_of_link(project, project / name), flags | os.O_NOFOLLOW)
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableFile("not a file", "a directory, pipe or device stands in its place")
        content = os.read(descriptor, limit + 1)
        while len(content) <= limit and (more := os.read(descriptor, limit + 1 - len(content))):
            content += more
        return content
    finally:
        os.close(descriptor)


def leads_into(project: Path, link: Path) -> bool:
    """Tell whether a link ends in the project; what it names there need not exist."""
    # Unlike Path.resolve, this raises for no circle of links.
    return Path(os.path.realpath(link)).is_relative_to(os.path.realpath(project))


def _target_of_link(project: Path, file: Path) -> str:
    if not leads_into(project, file):
        raise UnreadableFile("a symbolic link that leaves the project", "put the file itself here")
    target = os.path.realpath(file)
    if not os.path.exists(target):  # noqa: PTH110  # false for a circle of links, where Path raises
        raise UnreadableFile("a symbolic link to nothing", "mend or remove the link")
    return target
