"""Published sessions as the pages read them: only what a commit record vouches for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from es_physics.report.errors import ReportError
from es_physics.silver.commit import read_commit


@dataclass(frozen=True)
class Commit:
    """One published session: what went into its build, and the files that came out."""

    root: Path
    session_date: date
    fingerprint: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]
    committed_at: str = ""
    wall_time_s: float | None = None
    """Seconds from the build's start to its commit."""

    @property
    def vars(self) -> Mapping[str, Any]:
        """The dbt vars of the build; empty if the record names none."""
        found: Mapping[str, Any] = self.inputs.get("vars") or {}
        return found

    def var(self, name: str) -> float:
        """A numeric var of the build. Raises ReportError if the record lacks it."""
        if name not in self.vars:
            raise ReportError(
                f"session {self.session_date}: its commit record names no var '{name}'; "
                f"{_rebuild(self.session_date)}"
            )
        return float(self.vars[name])

    def table(self, name: str, *columns: str) -> pa.Table | None:
        """A table of the commit in its published order; None if the commit has no such table.

        All of its columns, unless some are named.

        Raises ReportError if the file is missing or is not the one that was committed.
        """
        if name not in self.outputs:
            return None
        return read_output(
            self.root,
            self.outputs[name],
            f"session {self.session_date}",
            _rebuild(self.session_date),
            columns,
        )

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The table as one dict per row; empty if the commit has no such table."""
        table = self.table(name)
        return [] if table is None else table.to_pylist()


def read_output(
    root: Path,
    output: Mapping[str, Any],
    of: str,
    cure: str,
    columns: Sequence[str] = (),
    where: pc.Expression | None = None,
) -> pa.Table:
    """A committed file below `root`, in its published order.

    All columns unless some are named, all rows unless `where` keeps some.

    Raises ReportError, beginning with `of` and ending with `cure`, if the file is missing or is not
    the one that was committed.
    """
    path = root / output["file"]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ReportError(f"{of}: {path} was committed and is missing; {cure}") from None
    if hashlib.sha256(content).hexdigest() != output["sha256"]:
        raise ReportError(
            f"{of}: {path} is not the file that was committed (its sha256 differs); {cure}"
        )
    if where is not None:
        return pq.read_table(pa.BufferReader(content), columns=list(columns) or None, filters=where)
    return pq.ParquetFile(pa.BufferReader(content)).read(list(columns) or None)


def committed(session_date: date, root: Path) -> Commit:
    """The commit of a session. Raises ReportError if it is not published or unreadable."""
    try:
        record = read_commit(root, session_date)
    except ValueError as error:
        raise ReportError(str(error)) from None
    if record is None:
        raise ReportError(
            f"session {session_date} is not published below {root}; {_rebuild(session_date)}"
        )
    return Commit(
        root,
        session_date,
        record["fingerprint"],
        record["inputs"],
        record["outputs"],
        record["committed_at"],
        record.get("wall_time_s"),
    )


def _rebuild(session_date: date) -> str:
    return f"build it with dbt build --vars '{{session_date: {session_date}}}'"
