"""Validate published sessions: their gates, and that inputs and outputs are those of the commit.

A session is what its commit record says: the Bronze files that went in and the Silver files that
came out, each with its sha256. Validating hashes both again, reads the gate table that was
published with them, and writes the verdict beside the record.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingest.bronze import check_partition
from ingest.feeds import FEED_BY_PATH, FEEDS
from ingest.manifest import file_sha256, fsync
from ingest.trade_date import CALENDAR_SEED
from publish.commit import commit_path, table_path

_GATE_COLUMNS = (
    *("gate", "family", "severity", "status", "measured", "comparison", "threshold", "unit"),
    "detail",
)

InputHashes = Callable[[str, date], tuple[str, ...] | None]


@dataclass(frozen=True)
class FileHash:
    """A file, or the files of a Bronze partition, by its recorded and its present sha256.

    `found` is None where there is nothing or nothing whole.
    """

    name: str
    recorded: tuple[str, ...] | None
    found: tuple[str, ...] | None

    @property
    def matches(self) -> bool:
        return self.recorded == self.found


@dataclass(frozen=True)
class SessionReport:
    """What validating one trade date found.

    status:   `passed`, `failed`, or `absent` if there is neither Bronze nor a session.
    problems: why it failed, in words.
    notes:    what is worth knowing and fails nothing.
    gates:    rows of qa_gate_results, or of the evidence that a failed build left.
    """

    session_date: date
    status: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[dict[str, Any], ...] = ()
    inputs: tuple[FileHash, ...] = ()
    outputs: tuple[FileHash, ...] = ()
    fingerprint: str | None = None

    def count(self, status: str) -> int:
        """How many gates have this status."""
        return sum(gate["status"] == status for gate in self.gates)


def trade_dates(start: date, end: date) -> list[date]:
    """The CME trade dates of the calendar seed from `start` to `end`, both included."""
    with CALENDAR_SEED.open(newline="", encoding="utf-8") as file:
        dates = [date.fromisoformat(row["trade_date"]) for row in csv.DictReader(file)]
    return [day for day in dates if start <= day <= end]


def validate(
    start: date, end: date, silver: Path, bronze: Path, *, strict: bool = False
) -> Iterator[SessionReport]:
    """Validate every trade date of a range in order and write the verdict on each session.

    `strict` counts a failed gate of severity warn as a failure.
    """
    # Each partition is hashed once: sessions share the dates before them.
    input_hashes = cache(partial(_input_hashes, bronze))
    for day in trade_dates(start, end):
        if commit_path(silver, day).is_file():
            report = _session(day, silver, input_hashes, strict)
            _write_verdict(validation_path(silver, day), report)
            yield report
        else:
            yield _unpublished(day, silver, bronze)


def validation_path(silver: Path, session_date: date) -> Path:
    """Where the verdict on a session lies: beside its commit record."""
    return commit_path(silver, session_date).with_suffix(".validation.json")


def _session(day: date, silver: Path, input_hashes: InputHashes, strict: bool) -> SessionReport:
    path = commit_path(silver, day)
    try:
        record = json.loads(path.read_bytes())
        outputs = tuple(
            FileHash(name, (output["sha256"],), _output_hash(silver / output["path"]))
            for name, output in sorted(record["outputs"].items())
        )
        inputs = tuple(
            FileHash(
                f"{row['feed']} {row['trade_date']}",
                tuple(row["sha256"] or ()) if row["status"] == "ok" else None,
                input_hashes(row["feed"], date.fromisoformat(row["trade_date"])),
            )
            for row in record["inputs"]["bronze"]
        )
        committed_at = datetime.fromisoformat(record["committed_at"])
        fingerprint = str(record["fingerprint"])
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{path} is no commit record ({error!r}); build the session again"
        return SessionReport(day, "failed", (problem,))

    gates: tuple[dict[str, Any], ...] = ()
    problems = [
        f"{file.name} was published with another content; build the session again"
        for file in outputs
        if not file.matches
    ]
    problems += [
        f"Bronze {file.name} {_change(file)} since the build; build the session again"
        for file in inputs
        if not file.matches
    ]
    gate_file = silver / table_path("qa_gate_results", day)
    try:
        gates = _gates(gate_file)
    except (OSError, ValueError, KeyError) as error:
        problems.append(f"{gate_file} cannot be read ({error}); build the session again")
    problems += [
        f"gate {gate['gate']} failed"
        for gate in gates
        if gate["status"] == "failed" and (strict or gate["severity"] == "error")
    ]
    notes = []
    evidence = evidence_path(silver, day)
    if evidence.is_file() and _run_started_at(evidence) > committed_at:
        notes.append(f"a later build failed and published nothing, see {evidence.parent}")
    return SessionReport(
        day,
        "failed" if problems else "passed",
        tuple(problems),
        tuple(notes),
        gates,
        inputs,
        outputs,
        fingerprint,
    )


def _unpublished(day: date, silver: Path, bronze: Path) -> SessionReport:
    if not any(feed.partition_dir(bronze, day).is_dir() for feed in FEEDS):
        return SessionReport(day, "absent")
    evidence = evidence_path(silver, day)
    if not evidence.is_file():
        problem = f"has Bronze and no session; dbt build --vars '{{session_date: {day}}}'"
        return SessionReport(day, "failed", (problem,))
    failures = pq.ParquetFile(evidence).read(columns=["name", "message"]).to_pylist()
    return SessionReport(
        day,
        "failed",
        (
            f"has Bronze and no session: its last build failed, see {evidence.parent}",
            *(f"{row['name']}: {row['message']}" for row in failures),
        ),
        gates=_gates(evidence.with_name("gates_0.parquet")),
    )


def evidence_path(silver: Path, session_date: date) -> Path:
    """Where a failed build of a date leaves what failed; see the macro keep_evidence."""
    return silver / "_audits" / f"session_date={session_date}" / "failures_0.parquet"


def _run_started_at(evidence: Path) -> datetime:
    (started,) = set(pq.ParquetFile(evidence).read(columns=["run_started_at"])[0].to_pylist())
    return started


def _gates(path: Path) -> tuple[dict[str, Any], ...]:
    table = pq.ParquetFile(path).read()
    if not table.num_rows:
        return ()
    return tuple(table.select(_GATE_COLUMNS).to_pylist())


def _output_hash(path: Path) -> tuple[str, ...] | None:
    return (file_sha256(path),) if path.is_file() else None


def _input_hashes(bronze: Path, feed: str, trade_date: date) -> tuple[str, ...] | None:
    check = check_partition(bronze, FEED_BY_PATH[feed], trade_date)
    return tuple(check.sha256) if check.status == "ok" else None


def _change(file: FileHash) -> str:
    if file.recorded is None:
        return "came"
    return "is gone or damaged" if file.found is None else "has changed"


def _write_verdict(path: Path, report: SessionReport) -> None:
    """Write the report, the same bytes for the same findings, in one step."""
    document = asdict(report) | {
        "session_date": report.session_date.isoformat(),
        "inputs": [asdict(file) | {"matches": file.matches} for file in report.inputs],
        "outputs": [asdict(file) | {"matches": file.matches} for file in report.outputs],
    }
    del document["notes"]
    staged = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    staged.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fsync(staged)
    staged.replace(path)
    fsync(path.parent)
