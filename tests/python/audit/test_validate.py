"""`es-physics validate`: what it checks, what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from conftest import SILVER_TABLES, Builds

from es_physics.cli import main
from es_physics.files import file_sha256
from es_physics.silver.commit import commit_path, committed_files

SESSION, ROLL, UNBUILT = "2025-12-10", "2025-12-15", "2025-12-11"


@dataclass
class Lake:
    """A Bronze and a Silver root of which a test may change the second."""

    bronze: Path
    silver: Path
    capsys: pytest.CaptureFixture[str]

    def validate(self, start: str, end: str, *options: str) -> tuple[int, str]:
        code = main(
            [
                "validate",
                "--start",
                start,
                "--end",
                end,
                "--bronze-root",
                str(self.bronze),
                *options,
            ]
        )
        output = self.capsys.readouterr()
        return code, output.out + output.err

    def verdict(self, session: str) -> dict[str, object]:
        path = self.silver / "_commits" / f"{session}.validation.json"
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def committed(self, name: str, session: str) -> Path:
        return committed_files(self.silver, date.fromisoformat(session))[name]

    def table(self, name: str, session: str) -> Path:
        return self.silver / name / f"session_date={session}" / "data.parquet"


@pytest.fixture
def lake(
    builds: Builds,
    bronze: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Lake:
    builds.start(ROLL)
    for session in (SESSION, ROLL):
        shutil.copytree(builds[session].silver, tmp_path / "silver", dirs_exist_ok=True)
    monkeypatch.setenv("ES_SILVER_ROOT", str(tmp_path / "silver"))
    return Lake(bronze, tmp_path / "silver", capsys)


def test_good_session_passes_and_its_verdict_holds_every_hash(lake: Lake) -> None:
    code, output = lake.validate(SESSION, SESSION)
    assert code == 0, output
    gates = pl.read_parquet(lake.table("qa_gate_results", SESSION))
    assert all(gate in output for gate in gates["gate"])
    assert "passed" in output.splitlines()[-2]

    verdict = lake.verdict(SESSION)
    assert verdict["status"] == "passed"
    assert verdict["problems"] == []
    outputs = {file["name"]: file for file in verdict["outputs"]}  # type: ignore[attr-defined]
    assert {name: file["found"] for name, file in outputs.items()} == {
        name: [file_sha256(lake.table(name, SESSION))] for name in SILVER_TABLES
    }
    trades = next(
        file
        for file in verdict["inputs"]  # type: ignore[attr-defined]
        if file["name"] == f"futures/trades {SESSION}"
    )
    partition = lake.bronze / f"futures/trades/root=ES/date={SESSION}"
    assert trades["found"] == [file_sha256(partition / "data.parquet")]
    assert [gate["gate"] for gate in verdict["gates"]] == gates["gate"].to_list()  # type: ignore[attr-defined]

    path = lake.silver / "_commits" / f"{SESSION}.validation.json"
    before = path.read_bytes()
    lake.validate(SESSION, SESSION)
    assert path.read_bytes() == before


def test_failed_warning_is_shown_and_fails_only_if_strict(lake: Lake) -> None:
    code, output = lake.validate(ROLL, ROLL)
    assert code == 0, output
    assert "front_month_dominates" in output
    assert "failed" in output
    code, output = lake.validate(ROLL, ROLL, "--strict")
    assert code == 1
    assert f"{ROLL} gate front_month_dominates failed" in output
    assert lake.verdict(ROLL)["status"] == "failed"


def test_range_shows_each_date_and_fails_on_bronze_without_a_session(lake: Lake) -> None:
    code, output = lake.validate(SESSION, "2025-12-17")
    assert code == 1
    assert f"{UNBUILT} has Bronze and no session; dbt build" in output
    summary = dict(
        line.split()[:2] for line in output.split("Summary")[1].splitlines() if "2025-" in line
    )
    assert summary == {
        SESSION: "passed",
        UNBUILT: "failed",
        "2025-12-12": "failed",
        ROLL: "passed",
        "2025-12-16": "failed",
        "2025-12-17": "absent",
    }


def test_changed_output_fails(lake: Lake) -> None:
    for name in ("bars_1m", "level_events"):
        lake.committed(name, SESSION).unlink()
    shutil.copy(lake.committed("level_events", ROLL), lake.committed("level_events", SESSION))
    lake.table("sessions", SESSION).unlink()
    code, output = lake.validate(SESSION, SESSION)
    assert code == 1
    for name in ("bars_1m", "level_events"):
        assert f"{SESSION} {name} is not what was published; build" in output
    path = f"sessions/session_date={SESSION}/data.parquet"
    assert f"{SESSION} {path} is not the committed version; build" in output
    tables = len(SILVER_TABLES)
    assert f"{tables - 2} of {tables}" in output


def test_changed_and_lost_inputs_fail(lake: Lake, tmp_path: Path) -> None:
    for folder in lake.bronze.glob("*/*/root=ES/date=2025-12-*"):
        shutil.copytree(folder, tmp_path / "bronze" / folder.relative_to(lake.bronze))
    lake.bronze = tmp_path / "bronze"
    with (lake.bronze / "futures/trades/root=ES/date=2025-12-05/data.parquet").open("ab") as file:
        file.write(b"x")
    shutil.rmtree(lake.bronze / f"options/trades/root=ES/date={SESSION}")
    shutil.copytree(
        lake.bronze / f"options/statistics/root=ES/date={ROLL}",
        lake.bronze / f"options/statistics/root=ES/date={SESSION}",
        dirs_exist_ok=True,
    )
    code, output = lake.validate(SESSION, SESSION)
    assert code == 1
    for feed in (
        "futures/trades 2025-12-05",
        f"options/trades {SESSION}",
        f"options/statistics {SESSION}",
        f"index/spx {SESSION}",
    ):
        assert f"{SESSION} Bronze {feed} is gone or damaged since the build" in output


def test_failed_error_gate_fails(lake: Lake) -> None:
    """A build cannot publish one; whoever exchanged the files would have to change the record."""
    gates = pl.read_parquet(lake.table("qa_gate_results", SESSION)).with_columns(
        status=pl.when(gate="no_label_sees_the_past").then(pl.lit("failed")).otherwise("status")
    )
    record_path = commit_path(lake.silver, date.fromisoformat(SESSION))
    record = json.loads(record_path.read_text())
    for path in (
        lake.table("qa_gate_results", SESSION),
        lake.committed("qa_gate_results", SESSION),
    ):
        path.unlink()
        gates.write_parquet(path)
        record["outputs"]["qa_gate_results"]["sha256"] = file_sha256(path)
    record_path.write_text(json.dumps(record))
    code, output = lake.validate(SESSION, SESSION)
    assert code == 1
    assert f"{SESSION} gate no_label_sees_the_past failed" in output
    assert len(lake.verdict(SESSION)["problems"]) == 1  # type: ignore[arg-type]


def test_damaged_record_is_named(lake: Lake) -> None:
    (lake.silver / "_commits" / f"{SESSION}.json").write_text("{}")
    code, output = lake.validate(SESSION, SESSION)
    assert code == 1
    assert f"{SESSION}.json is no commit record of this version (KeyError('outputs'))" in output


@pytest.mark.parametrize(
    ("start", "end", "line"),
    [
        ("2025-12-11", "2025-12-10", "--start 2025-12-11 is after --end 2025-12-10"),
        ("2025-12-13", "2025-12-14", "no CME trade date from 2025-12-13 to 2025-12-14"),
        ("2025-06-02", "2025-06-03", "neither Bronze below"),
    ],
)
def test_nothing_to_judge_is_no_success(start: str, end: str, line: str, lake: Lake) -> None:
    code, output = lake.validate(start, end)
    assert code == 2
    assert line in output
