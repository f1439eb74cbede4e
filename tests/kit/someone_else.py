"""What a user sees who may read a place and not write it; also where the tests run as root, who may do all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

NOBODY = 65_534


def exit_code_as_someone_else(act: Callable[[], object]) -> int:
    """Act in a process of another user, and give its exit code: 0, or what it exits with, or 99 for any other error."""
    child = os.fork()
    if child == 0:
        code = 99
        with suppress(BaseException):
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            try:
                act()
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
