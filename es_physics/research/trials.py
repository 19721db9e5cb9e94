"""Everything that was ever tried on this gold root, failed or not: the price of a good result.

The table only grows. A run is entered before its models are fitted, as one that did not end.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.files import is_local
from es_physics.gold.run_files import trials_file
from es_physics.research.errors import ResearchError
from es_physics.silver.store import STAGING, held, place

UNENDED = "it did not end"
_SCHEMA = pa.schema(
    {name: pa.string() for name in ("run_id", "target", "model", "feature_set", "status", "reason")}
)

Candidate = tuple[str, str, str]
"""Target, model and set of features."""


def read_trials(root: Path) -> pa.Table:
    """All trials below the gold root, in the order in which they were begun.

    Raises ResearchError for a file that is none: it is not written over.
    """
    path = trials_file(root)
    if not path.is_file():
        return _SCHEMA.empty_table()
    try:
        return pq.ParquetFile(io.BytesIO(path.read_bytes())).read().select(_SCHEMA.names)
    except (pa.ArrowInvalid, KeyError) as error:
        raise ResearchError(
            f"{path} holds all trials and cannot be read ({error}): put it back from a copy, as"
            " results count for less the more was tried"
        ) from error


def enter_trials(
    root: Path,
    run_id: str,
    candidates: Sequence[Candidate],
    failed: Mapping[Candidate, str],
) -> None:
    """Say how the candidates of a run ended: with a reason those of `failed`, well the others."""
    with _alone(root):
        rows = read_trials(root).to_pylist()
        names = ("run_id", "target", "model", "feature_set")
        place_of = {tuple(row[name] for name in names): number for number, row in enumerate(rows)}
        for candidate in candidates:
            key = (run_id, *candidate)
            reason = failed.get(candidate)
            row: dict[str, str | None] = dict(zip(names, key, strict=True))
            row |= {"status": "failed" if reason else "done", "reason": reason}
            if key in place_of:
                rows[place_of[key]] = row
            else:
                rows.append(row)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), sink, compression="zstd")
        with held(root, STAGING):
            place(root, trials_file(root).name, sink.getvalue().to_pybytes())


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time read and write the table. An object store has no locks."""
    if not is_local(root):
        yield
        return
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
