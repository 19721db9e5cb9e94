"""What this machine has to share out among builds."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

WORKER_MB = 1500
"""DuckDB's memory in one build should not be less: a full session's models take 0.4 GB, its spike
when tables are written more."""

PYTHON_MB = 400
"""What dbt and Python take beside it."""

PATIENCE_S = 900
"""Seconds without progress after which a build is ended. No node of the largest session takes a
tenth as long: what has neither started nor finished one for this time never will."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> int:
    """The memory this process may use, MB: the machine's, or less if its control group has less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total // 1_000_000


def default_workers(each_mb: int = WORKER_MB + PYTHON_MB, each_cores: int = 1) -> int:
    """As many as have so many MB and cores each, of builds or else; one at least."""
    return max(1, min(cores() // each_cores, _free_mb() // each_mb))


def share(workers: int) -> tuple[int, int]:
    """Threads and MB of DuckDB memory for each of `workers` builds on this machine."""
    return max(1, cores() // workers), max(500, min(_free_mb() // workers - PYTHON_MB, 8000))


def _free_mb() -> int:
    """All but a fifth, which is left to the system."""
    return memory_mb() * 8 // 10
