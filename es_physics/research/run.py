"""One run: its name, its files below the gold root, and its entry among the trials.

The name follows from all that decides a number, so the same run is not done twice and has the same
bytes wherever it is done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.errors import first_line
from es_physics.files import is_local
from es_physics.gold.run_files import RECORD, RUNS, run_file
from es_physics.research.errors import ResearchError
from es_physics.research.gold import Gold
from es_physics.research.plan import Plan
from es_physics.research.results import Results
from es_physics.research.trials import UNENDED, Candidate, enter_trials
from es_physics.research.walk_forward import walk_forward
from es_physics.silver.fingerprint import files_sha256, imported_files, inputs_sha256
from es_physics.silver.store import STAGING, held, place

_DISTRIBUTIONS = ("numpy", "scipy", "scikit-learn", "lightgbm")
_OF_SEQUENCES = ("jax", "jaxlib", "optax")
_ID_LENGTH = 12


def run_path(root: Path, run_id: str) -> Path:
    """Where a run's files lie."""
    return root / RUNS / run_id


def research_code_version() -> str:
    """sha256 over the modules that decide a number of a run."""
    here = Path(__file__)
    return files_sha256(here.parent, [], imported_files([here]))


def read_run(root: Path, run_id: str) -> dict[str, Any] | None:
    """A run's record, None if there is none, or one that cannot be read."""
    try:
        record = json.loads((run_path(root, run_id) / RECORD).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def research(
    gold: Gold, plan: Plan, say: Callable[[str], None] = lambda line: None
) -> tuple[dict[str, Any], bool]:
    """Do a run, unless it is there already; its record, and whether it was done now.

    Raises ResearchError for gold that nothing can be fitted on, and while another process does the
    same run. Whatever ends it, the trials say so.
    """
    _require_folds(gold)
    asked = {
        "gold_fingerprint": gold.fingerprint,
        "arguments": plan.arguments,
        "code_version": research_code_version(),
        "packages": {
            name: version(name)
            for name in (*_DISTRIBUTIONS, *(_OF_SEQUENCES if plan.takes_sequences else ()))
        },
    }
    run_id = inputs_sha256(asked)[:_ID_LENGTH]
    with _alone(gold.root, run_id):
        there = read_run(gold.root, run_id)
        if there and there.get("status") == "done" and _is_whole(gold.root, there):
            return there, False
        unended: dict[Candidate, str] = dict.fromkeys(plan.candidates, UNENDED)
        enter_trials(gold.root, run_id, plan.candidates, unended)
        try:
            record = _do(gold, plan, run_id, asked, say)
        except BaseException as error:
            reason = UNENDED if isinstance(error, KeyboardInterrupt) else first_line(error)
            failed = dict.fromkeys(plan.candidates, reason)
            enter_trials(gold.root, run_id, plan.candidates, failed)
            if not isinstance(error, OSError | KeyboardInterrupt):
                _write_record(
                    gold.root, {"run_id": run_id, "status": "failed", "reason": reason} | asked
                )
            raise
        return record, True


def _do(
    gold: Gold, plan: Plan, run_id: str, asked: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    results = Results()
    # Sums of several threads come in any order.
    with threadpool_limits(1):
        for target in plan.targets:
            events = walk_forward(
                gold, target, plan.fits, results, with_sequences=plan.takes_sequences
            )
            say(f"{target}: {len(gold.folds)} folds, {events} events tested")
    files = {
        name: _write_table(gold.root, run_file(run_id, f"{name}.parquet"), table)
        for name, table in results.tables(run_id, gold).items()
    }
    fitted = {(key.target, key.model, key.feature_set) for key, *_ in results.predictions}
    failed: dict[Candidate, str] = {}
    for skip in results.skipped:
        candidate = (skip.target, skip.model, skip.feature_set)
        if candidate in plan.candidates and candidate not in fitted:
            failed.setdefault(candidate, f"no fold could be fitted: {skip.reason}")
    record = {"run_id": run_id, "status": "done"} | dict(asked)
    record |= {
        "folds": len(gold.folds),
        "files": files,
        "skipped": [skip._asdict() for skip in results.skipped],
        "failed": [[*candidate, reason] for candidate, reason in failed.items()],
        "unknown_features": list(gold.unknown),
    }
    _write_record(gold.root, record)
    enter_trials(gold.root, run_id, plan.candidates, failed)
    return record


def _require_folds(gold: Gold) -> None:
    if not gold.folds:
        inputs = gold.record["inputs"]
        needed = ("min_train", "calibration_sessions", "embargo_sessions")
        parts = " + ".join(f"{name} {inputs['vars'][name]}" for name in needed)
        raise ResearchError(
            f"gold of {len(inputs['sessions'])} sessions has no fold: the first takes {parts} with"
            " a cash session and one more to test; make gold of a longer range, or with a smaller"
            " min_train"
        )


def _write_table(root: Path, name: str, table: pa.Table) -> dict[str, Any]:
    sink = pa.BufferOutputStream()
    # One chunk, so that page boundaries never depend on how the rows arrived.
    pq.write_table(table.combine_chunks(), sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    with held(root, STAGING):
        place(root, name, content)
    return {
        "rows": table.num_rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _write_record(root: Path, record: Mapping[str, Any]) -> None:
    content = json.dumps(record, indent=2, sort_keys=True).encode() + b"\n"
    with held(root, STAGING):
        place(root, run_file(record["run_id"], RECORD), content)


def _is_whole(root: Path, record: Mapping[str, Any]) -> bool:
    folder = run_path(root, record["run_id"])
    return all(
        (file := folder / f"{name}.parquet").is_file()
        and hashlib.sha256(file.read_bytes()).hexdigest() == output["sha256"]
        for name, output in record["files"].items()
    )


@contextmanager
def _alone(root: Path, run_id: str) -> Iterator[None]:
    """Keep others from doing the same run at once. An object store has no locks."""
    if not is_local(root):
        yield
        return
    folder = run_path(root, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResearchError(f"run {run_id} is being done by another process; wait") from None
        yield
    finally:
        os.close(descriptor)
