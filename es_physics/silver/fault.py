"""Named points at which a test can kill the process, to prove what a reader sees then."""

from __future__ import annotations

import os
import signal
from fnmatch import fnmatch


def fault_point(name: str) -> None:
    """Die by SIGKILL here if the pattern in the environment variable `ES_FAULT` matches `name`."""
    pattern = os.environ.get("ES_FAULT")
    if pattern and fnmatch(name, pattern):
        os.kill(os.getpid(), signal.SIGKILL)
