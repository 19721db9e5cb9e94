"""What a build's process is forked from has no pandas, and does with arrays what it did with it."""

from __future__ import annotations

import subprocess
import sys

_BUILD = """
import gc, sys
import es_physics.build.unswept
import duckdb, numpy, pyarrow, pyarrow.dataset
taken = pyarrow.table({"x": pyarrow.array(numpy.array([1.0, numpy.nan]), from_pandas=True)})
print(duckdb.sql("select x from taken").fetchall(), "pandas" in sys.modules, gc.isenabled())
"""


def test_the_fork_server_looks_for_no_pandas_and_no_garbage() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _BUILD], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "[(1.0,), (None,)] False False\n"
