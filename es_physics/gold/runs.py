"""What an evaluation reads: published gold, the runs of models on just that, all trials ever made.

A run lies in `runs/<run_id>` below the gold root, as `run.json` says: whether it is done, the
fingerprint of the gold that it read, and the sha256 of each of its files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from es_physics.errors import Error
from es_physics.files import absolute, file_sha256, is_local, read_parquet_sql
from es_physics.gold.run_files import RECORD, RUNS, TRIALS, trials_file
from es_physics.gold.sessions import local_copy
from es_physics.silver.commit import GOLD, OF_MANY, read_commit
from es_physics.silver.errors import RecordError

_CANDIDATE = dict.fromkeys(("run_id", "target", "model", "feature_set"), "varchar")
_CLASSES = ("break", "bounce", "chop", "yes", "no")
COLUMNS: dict[str, dict[str, str]] = {
    "predictions": _CANDIDATE
    | {"fold": "bigint", "event_id": "varchar", "class": "varchar"}
    | {"p_raw": "double", "p": "double"},
    "calibration": _CANDIDATE
    | {"fold": "bigint", "a": "double", "slope": "double"}
    | {f"bias_{name}": "double" for name in _CLASSES}
    | {"events": "bigint"},
    "neighbours": {"run_id": "varchar", "target": "varchar", "feature_set": "varchar"}
    | {"fold": "bigint", "event_id": "varchar", "rank": "bigint", "distance": "double"},
    TRIALS: _CANDIDATE | {"status": "varchar"},
}
"""The columns that are read of each file, with their types; one that no file has is NULL."""


class EvaluationError(Error):
    """There is nothing to score, or what there is is not what was written."""


class Run(NamedTuple):
    """A finished run: its folder and its record."""

    run_id: str
    folder: Path
    record: Mapping[str, Any]


class Inputs(NamedTuple):
    """What is evaluated: gold's commit record, the runs on it, and those of another gold."""

    root: Path
    gold: Mapping[str, Any]
    runs: Sequence[Run]
    left_out: Sequence[str]


def evaluation_inputs(root: Path) -> Inputs:
    """What there is to evaluate below a gold root.

    Raises EvaluationError without gold, without a finished run on it, or for a damaged record of a
    run; RecordError for a damaged one of gold.
    """
    gold = read_commit(root, GOLD)
    if gold is None:
        raise EvaluationError(f"no gold is published below {absolute(root)}: {OF_MANY[GOLD]}")
    runs, left_out = [], []
    for run in finished_runs(root):
        if run.record["gold_fingerprint"] == gold["fingerprint"]:
            runs.append(run)
        else:
            left_out.append(run.run_id)
    if not runs:
        others = f" ({len(left_out)} are of another)" if left_out else ""
        raise EvaluationError(
            f"no finished run reads the gold that is published below {absolute(root)}{others}:"
            " make research TARGET=scaled"
        )
    return Inputs(root, gold, runs, left_out)


def finished_runs(root: Path) -> list[Run]:
    """The finished runs below a gold root, of whatever gold, by their id.

    Raises EvaluationError for a damaged record of one.
    """
    folders = sorted((root / RUNS).iterdir()) if (root / RUNS).is_dir() else ()
    return [
        Run(folder.name, folder, record)
        for folder in folders
        if (record := _run_record(folder / RECORD)) is not None
    ]


def _run_record(path: Path) -> Mapping[str, Any] | None:
    """A finished run's record; None while there is none."""
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        if record["status"] != "done":
            return None
        for name, kind in (("gold_fingerprint", str), ("files", dict)):
            if not isinstance(record[name], kind):
                raise TypeError(f"{name} is {record[name]!r}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path} is no record of a run ({error!r}); remove its folder and make research again"
        ) from error
    else:
        return record


def gold_table_select(inputs: Inputs, table: str, cache: Path) -> str:
    """SQL that reads a table of the published gold. Raises RecordError if it is not there."""
    output = inputs.gold["outputs"].get(table)
    if output is None:
        raise RecordError(f"the published gold has no table {table}: {OF_MANY[GOLD]}")
    return f"select * from {read_parquet_sql([_checked(inputs.root, output, cache)])}"


def _checked(root: Path, output: Mapping[str, Any], cache: Path) -> Path:
    file = local_copy(root / output["file"], output["sha256"], cache)
    if file is None:
        raise RecordError(f"{root / output['file']} is missing: {OF_MANY[GOLD]}")
    return file


def runs_select(inputs: Inputs, name: str, cache: Path) -> str:
    """SQL of the rows that the runs have in one of their files, by its name in `COLUMNS`.

    Raises EvaluationError if a file is not what its run wrote.
    """
    files = [_run_file(run, name, cache) for run in inputs.runs]
    return _select(name, [file for file in files if file is not None])


def _run_file(run: Run, name: str, cache: Path) -> Path | None:
    """The file on this machine; None if the run wrote none."""
    said = run.record["files"].get(name)
    if said is None:
        return None
    written = run.folder / f"{name}.parquet"
    file = local_copy(written, said["sha256"], cache)
    if file is None or file_sha256(file) != said["sha256"]:
        raise EvaluationError(
            f"{written} {'is missing' if file is None else 'is not what its run wrote'};"
            " remove its folder and make research again"
        )
    return file


def trials_select(root: Path, cache: Path) -> str:
    """SQL of all trials, those on another gold too."""
    file = trials_file(root)
    if not file.is_file():
        return _select(TRIALS, [])
    copy = file if is_local(root) else local_copy(file, file_sha256(file), cache)
    return _select(TRIALS, [copy] if copy else [])


def _select(name: str, files: Sequence[Path]) -> str:
    columns = COLUMNS[name]
    nothing = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
    rows = f"select {nothing} where false"
    if files:
        read = read_parquet_sql([file.absolute() for file in files], ", union_by_name = true")
        rows += f" union all by name select * from {read}"
    casts = ", ".join(f"{column}::{kind} as {column}" for column, kind in columns.items())
    return f"select {casts} from ({rows})"


def inputs_of(inputs: Inputs) -> dict[str, Any]:
    """What a commit of scores says of its inputs."""
    trials = trials_file(inputs.root)
    return {
        "gold_fingerprint": inputs.gold["fingerprint"],
        "runs": [run.run_id for run in inputs.runs],
        "left_out": list(inputs.left_out),
        "files": {
            run.run_id: {name: said["sha256"] for name, said in sorted(run.record["files"].items())}
            for run in inputs.runs
        },
        "trials_sha256": file_sha256(trials) if trials.is_file() else None,
    }


def scores_are_old(root: Path, record: Mapping[str, Any]) -> bool:
    """Whether a commit of scores was made of another gold, or other runs, than are there now."""
    try:
        now = inputs_of(evaluation_inputs(root))
    except EvaluationError:
        return True
    return any(record["inputs"].get(name) != now[name] for name in ("gold_fingerprint", "files"))
