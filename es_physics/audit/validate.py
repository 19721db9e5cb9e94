"""Validate published sessions: their gates, and that inputs and outputs are those of the commit.

A session is what its commit record says: the Bronze files that went in and the Silver files that
came out, each with its sha256. Validating hashes both again, reads the gate table that was
published with them, and writes the verdict beside the record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.audit.contradictions import contradictions
from es_physics.bronze.feeds import FEED_BY_PATH, FEEDS
from es_physics.bronze.partitions import check_partition
from es_physics.calendar import default_calendar
from es_physics.files import file_sha256
from es_physics.gate_text import has_judged
from es_physics.silver.commit import COMMITS, read_commit
from es_physics.silver.fingerprint import inputs_sha256
from es_physics.silver.proof import disagreements, foreign_rows
from es_physics.silver.store import place
from es_physics.silver.verify import evidence_path

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

    status:   `passed`, `failed`, `absent` if there is neither Bronze nor a session, or `nothing to
              judge` if a session was published for which no gate had any data.
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


def validate(
    start: date, end: date, silver: Path, bronze: Path, *, strict: bool = False
) -> Iterator[SessionReport]:
    """Validate every trade date of a range in order and write the verdict on each session.

    `strict` counts a failed gate of severity warn as a failure.
    """
    # Each partition is hashed once: sessions share the dates before them.
    input_hashes = cache(partial(_input_hashes, bronze))
    for day in default_calendar().between(start, end):
        try:
            record = read_commit(silver, day)
        except ValueError as error:
            yield SessionReport(day, "failed", (str(error),))
            continue
        if record is None:
            yield _unpublished(day, silver, bronze)
            continue
        report = _session(day, record, silver, input_hashes, strict)
        _write_verdict(silver, report)
        yield report


def _session(
    day: date, record: dict[str, Any], silver: Path, input_hashes: InputHashes, strict: bool
) -> SessionReport:
    outputs = tuple(
        FileHash(name, (output["sha256"],), _file_hash(silver / output["file"]))
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
    problems = [
        f"{file.name} is not what was published; build the session again"
        for file in outputs
        if not file.matches
    ]
    problems += [
        f"{output['path']} is not the committed version; build the session again"
        for output in record["outputs"].values()
        if _file_hash(silver / output["path"]) != (output["sha256"],)
    ]
    problems += [
        f"Bronze {file.name} {_change(file)} since the build; build the session again"
        for file in inputs
        if not file.matches
    ]
    gates: tuple[dict[str, Any], ...] = ()
    try:
        gates = _gates(silver / record["outputs"]["qa_gate_results"]["file"])
    except (OSError, ValueError, KeyError) as error:
        problems.append(f"its gate table cannot be read ({error}); build the session again")
    problems += [
        f"gate {gate['gate']} failed"
        for gate in gates
        if gate["status"] == "failed" and (strict or gate["severity"] == "error")
    ]
    if record["fingerprint"] != inputs_sha256(record["inputs"]):
        problems.append("its record was changed; build the session again")
    problems += _content_problems(day, record, silver, outputs)
    notes = []
    evidence = evidence_path(silver, day)
    if evidence.is_file() and _run_started_at(evidence) > datetime.fromisoformat(
        record["committed_at"]
    ):
        notes.append(f"a later build failed and published nothing, see {evidence.parent}")
    verdict = "passed" if not gates or has_judged(gates) else "nothing to judge"
    return SessionReport(
        day,
        "failed" if problems else verdict,
        tuple(problems),
        tuple(notes),
        gates,
        inputs,
        outputs,
        record["fingerprint"],
    )


def _content_problems(
    day: date, record: dict[str, Any], silver: Path, outputs: Sequence[FileHash]
) -> Iterator[str]:
    """What the tables themselves say against the record: their dates, their events, its vars."""
    tables = {
        output.name: _read(silver / record["outputs"][output.name]["file"])
        for output in outputs
        if output.matches
    }
    found = (
        *foreign_rows(day, tables),
        *disagreements(tables),
        *contradictions(day, record["inputs"]["vars"], tables),
    )
    yield from (f"{problem}; build the session again" for problem in found)


def _unpublished(day: date, silver: Path, bronze: Path) -> SessionReport:
    if not any(feed.partition_dir(bronze, day).is_dir() for feed in FEEDS):
        return SessionReport(day, "absent")
    evidence = evidence_path(silver, day)
    if not evidence.is_file():
        problem = f"has Bronze and no session; dbt build --vars '{{session_date: {day}}}'"
        return SessionReport(day, "failed", (problem,))
    failures = _read(evidence).select(["name", "message"]).to_pylist()
    return SessionReport(
        day,
        "failed",
        (
            f"has Bronze and no session: its last build failed, see {evidence.parent}",
            *(f"{row['name']}: {row['message']}" for row in failures),
        ),
        gates=_gates(evidence.with_name("gates.parquet")),
    )


def _run_started_at(evidence: Path) -> datetime:
    (started,) = set(_read(evidence)["run_started_at"].to_pylist())
    return started


def _gates(path: Path) -> tuple[dict[str, Any], ...]:
    table = _read(path)
    return tuple(table.select(_GATE_COLUMNS).to_pylist()) if table.num_rows else ()


def _read(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return pq.ParquetFile(file).read()


def _file_hash(path: Path) -> tuple[str, ...] | None:
    return (file_sha256(path),) if path.is_file() else None


def _input_hashes(bronze: Path, feed: str, trade_date: date) -> tuple[str, ...] | None:
    check = check_partition(bronze, FEED_BY_PATH[feed], trade_date)
    return tuple(check.sha256) if check.status == "ok" else None


def _change(file: FileHash) -> str:
    if file.recorded is None:
        return "came"
    return "is gone or damaged" if file.found is None else "has changed"


def _write_verdict(silver: Path, report: SessionReport) -> None:
    """Put the report beside the commit record: the same bytes for the same findings."""
    document = asdict(report) | {
        "session_date": report.session_date.isoformat(),
        "inputs": [asdict(file) | {"matches": file.matches} for file in report.inputs],
        "outputs": [asdict(file) | {"matches": file.matches} for file in report.outputs],
    }
    # A later failed build has a time, and says nothing of this session.
    del document["notes"]
    content = json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"
    place(silver, f"{COMMITS}/{report.session_date}.validation.json", content)
