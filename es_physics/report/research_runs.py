"""Runs of research as the pages read them: only files that a finished run's record vouches for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.gold.run_files import RECORD, run_file
from es_physics.gold.runs import EvaluationError, Run, finished_runs
from es_physics.report.errors import ReportError
from es_physics.report.silver import read_output

_AGAIN = "remove its folder and make research again"


def run_table(run: Run, name: str, where: pc.Expression | None = None) -> pa.Table | None:
    """The rows of a file of the run that `where` keeps, in order; None if it left no such file.

    Raises ReportError if the file is missing or is not the one that was recorded.
    """
    output = run.record["files"].get(name)
    if output is None:
        return None
    file = {"file": run_file(run.run_id, f"{name}.parquet"), "sha256": output["sha256"]}
    return read_output(run.folder.parent.parent, file, f"run {run.run_id}", _AGAIN, where=where)


def run_rows(run: Run, name: str, where: pc.Expression | None = None) -> list[dict[str, Any]]:
    """The same as one dict per row; empty if the run left no such file."""
    table = run_table(run, name, where)
    return [] if table is None else table.to_pylist()


def runs_of(root: Path, gold_fingerprint: str) -> list[Run]:
    """The finished runs of this gold below `root`, the latest first.

    Raises ReportError for a record that cannot be read.
    """
    try:
        runs = [
            run for run in finished_runs(root) if run.record["gold_fingerprint"] == gold_fingerprint
        ]
    except EvaluationError as error:
        raise ReportError(str(error)) from None
    ended = {run.run_id: (run.folder / RECORD).stat().st_mtime for run in runs}
    return sorted(runs, key=lambda run: (ended[run.run_id], run.run_id), reverse=True)
