"""What a command costs: wall time, processor time and memory of a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
_SHOWN_LINES = 15


class CommandError(Exception):
    """A command ended with an error; the text holds the command and the end of its output."""


@dataclass(frozen=True)
class Cost:
    """Of one finished process and the ones it waited for: seconds, and peak resident bytes.

    The system counts the peak from before the process has loaded its own program, so it is never
    below the resident memory of the caller.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command in `folder`, its output kept back; CommandError if it does not exit with 0."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            # Unlike Popen.wait, wait4 says what this one process used.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines()
            raise CommandError(
                f"exit code {process.returncode} of {' '.join(map(str, command))}\n"
                + "\n".join(lines[-_SHOWN_LINES:])
            )
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS_BYTES)
