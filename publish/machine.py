"""What this machine has to share out among builds."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

WORKER_MB = 1500
"""What one build should have at least: dbt takes 0.3 GB, the models of a full session 0.4 GB."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> int:
    """The memory this process may use, MB: the machine's, or less if its control group has less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total // 1_000_000


def default_workers() -> int:
    """One for each core, fewer if they would not have `WORKER_MB` each."""
    return max(1, min(cores(), memory_mb() * 8 // 10 // WORKER_MB))


def share(workers: int) -> tuple[int, int]:
    """Threads and MB of DuckDB memory for each of `workers` builds on this machine.

    A fifth of the memory is left to the system, and 0.4 GB of each share to Python.
    """
    memory = memory_mb() * 8 // 10 // workers - 400
    return max(1, cores() // workers), max(500, min(memory, 8000))
