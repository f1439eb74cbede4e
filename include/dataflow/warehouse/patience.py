"""How long one try waits after another where many write the same: a little longer each time, never in step."""

from __future__ import annotations

import random
import time

__all__ = ["Patience"]

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 5.0


class Patience:
    """Some tries, with pauses between them."""

    def __init__(self, tries: int = 12) -> None:
        self._left = tries - 1
        self._pause = FIRST_PAUSE_SECONDS

    def rest(self) -> bool:
        """Pause before the next try; False where there is none left."""
        if self._left <= 0:
            return False
        self._left -= 1
        time.sleep(random.uniform(self._pause / 2, self._pause))  # noqa: S311 - jitter is no secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return True
