"""Runs of research as the pages read them: only files that a finished run's record vouches for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.report.errors import ReportError
from es_physics.report.silver import read_output

_AGAIN = "run it again with make research TARGET="


@dataclass(frozen=True)
class Run:
    """One finished run: what it was asked for, and the files that it left."""

    root: Path
    run_id: str
    record: Mapping[str, Any]

    def table(self, name: str, where: pc.Expression | None = None) -> pa.Table | None:
        """The rows of a file of the run that `where` keeps, in order; None if it left no such file.

        Raises ReportError if the file is missing or is not the one that was recorded.
        """
        output = self.record["files"].get(name)
        if output is None:
            return None
        file = {"file": f"runs/{self.run_id}/{name}.parquet", "sha256": output["sha256"]}
        content = read_output(self.root, file, f"run {self.run_id}", _AGAIN)
        return content if where is None else content.filter(where)

    def rows(self, name: str, where: pc.Expression | None = None) -> list[dict[str, Any]]:
        """The same as one dict per row; empty if the run left no such file."""
        table = self.table(name, where)
        return [] if table is None else table.to_pylist()


def finished_runs(root: Path, gold_fingerprint: str) -> list[Run]:
    """The finished runs of this gold below `root`, the latest first.

    Raises ReportError for a record that cannot be read.
    """
    found = []
    folder = root / "runs"
    for path in sorted(folder.glob("*/run.json")) if folder.is_dir() else ():
        try:
            record = json.loads(path.read_bytes())
            is_ours = (record["status"], record["gold_fingerprint"]) == ("done", gold_fingerprint)
            _ = {name: output["sha256"] for name, output in record["files"].items()}
            run = Run(root, str(record["run_id"]), record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReportError(
                f"{path} is no record of a run ({type(error).__name__}: {error}); {_AGAIN}"
            ) from None
        if is_ours:
            found.append((path.stat().st_mtime, run))
    return [run for _, run in sorted(found, key=lambda one: (one[0], one[1].run_id), reverse=True)]
