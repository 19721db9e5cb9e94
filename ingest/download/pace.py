"""How fast requests may follow each other, and how long to wait before trying again."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_LONGEST_ASKED_S = 600.0


@dataclass(frozen=True)
class Pace:
    """Waiting times in seconds, and the clock and sleep behind them, which tests replace.

    attempts:     of one request, the first included.
    first_wait_s: before the second attempt; doubled each time, up to `longest_wait_s`.
    poll_s:       between two looks at a batch job.
    job_wait_s:   how long to wait for a batch job in one run.
    grace_s, least_bytes_per_s: an answer is given up that takes longer than the first and has not
                  brought so much a second on average.
    """

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    poll_s: float = 5.0
    job_wait_s: float = 7200.0
    grace_s: float = 100.0
    least_bytes_per_s: float = 10_000.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def back_off(self, attempt: int, retry_after_s: float | None = None) -> None:
        """Wait after the failure number `attempt`, counted from 0.

        The wait is random between half and all of its limit, so that parallel requests do not
        come back at once; never shorter than what the vendor asked for, up to ten minutes.
        """
        limit = min(self.longest_wait_s, self.first_wait_s * 2**attempt)
        self.sleep(min(retry_after_s or 0.0, _LONGEST_ASKED_S) + limit * random.uniform(0.5, 1.0))


class RateLimit:
    """At most `count` starts within any `seconds`, over all threads."""

    def __init__(self, count: int, seconds: float, pace: Pace) -> None:
        self._count, self._seconds, self._pace = count, seconds, pace
        self._starts: deque[float] = deque(maxlen=count)
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Take the next free start and sleep until then."""
        with self._lock:
            now = start = self._pace.clock()
            if len(self._starts) == self._count:
                start = max(now, self._starts[0] + self._seconds)
            self._starts.append(start)
        if start > now:
            self._pace.sleep(start - now)
