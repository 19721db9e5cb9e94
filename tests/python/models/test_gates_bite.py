"""Each gate fails on the fault that it is there for, and on no other.

Every fault is planted in a set of builds of its own, and its gate has to fail in these and pass in
the others. No two sets are the same, so a gate that a foreign fault sets off is seen: a few builds
hold what would take one for each fault.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from conftest import PROJECT, Build, Builds, run_dbt
from planted_faults import (
    SESSION,
    WARN_FAULTS,
    Fault,
    copy_bronze,
    copy_project,
    error_faults,
    plant,
)

REFUSED, PUBLISHED = "ABCF", "DEG"
"""Builds with and without a fault after which nothing may be published."""

SETS = {
    "a flipped byte in a file": "CF",
    "a second contract in the book": "A",
    "trades taken in twice": "B",
    "shuffled rows in the book": "C",
    "a clock without summer time": "AB",
    "premarket bars in ATR": "AC",
    "a print far off the market before the open": "F",
    "an ATR of another instrument": "AF",
    "a feature that reads one nanosecond too far": "BC",
    "a label that starts at its anchor": "ABC",
    "a column of zeros": "DG",
    "a zone of which nothing is shown": "BG",
    "a crossed book": "E",
    "a gap of a minute in the front month's book": "DE",
    "many rows flagged as a bad book": "AD",
    "late records": "BD",
    "a future without a definition": "CD",
    "a back month with much of the volume": "EG",
    "a chain that expires the day after": "G",
    "another contract that leads before the open": "AE",
    "a chain quoted on one side from 11:20 on": "BE",
    "calls three points too dear": "CE",
    "open interest of few options": "ABD",
    "option trades without a side": "ABE",
}


@dataclass(frozen=True)
class Faulty:
    """A build with faults, and the gate table in its database."""

    build: Build
    gates: pl.DataFrame

    @property
    def failed(self) -> set[str]:
        return set(self.gates.filter(pl.col("status") == "failed")["gate"])


@pytest.fixture(scope="module")
def faults(builds: Builds) -> dict[str, Fault]:
    events = builds[SESSION].table("level_events", SESSION)
    return error_faults(events["event_ts_ns"][5]) | WARN_FAULTS


@pytest.fixture(scope="module")
def faulty(
    faults: dict[str, Fault], bronze: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Faulty]:
    """The builds by their letters, two at a time."""

    def build(letter: str) -> Faulty:
        work = tmp_path_factory.mktemp(letter)
        copy_bronze(bronze, work / "bronze")
        copy_project(work / "project")
        for name, fault in faults.items():
            if letter in SETS[name]:
                plant(fault, work / "bronze", work / "project")
        finished = run_dbt(
            "build",
            bronze=work / "bronze",
            work=work,
            session_date=SESSION,
            project=work / "project",
        )
        with duckdb.connect(work / "build.duckdb", read_only=True) as connection:
            return Faulty(finished, connection.sql("from silver.qa_gate_results").pl())

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(REFUSED + PUBLISHED, pool.map(build, REFUSED + PUBLISHED), strict=True))


def test_faults_can_be_told_apart(faults: dict[str, Fault]) -> None:
    assert SETS.keys() == faults.keys()
    assert len(set(SETS.values())) == len(SETS)
    assert len({fault.gate for fault in faults.values()}) == len(SETS)
    for name in error_faults(0):
        assert set(SETS[name]) <= set(REFUSED), name
    for name in WARN_FAULTS:
        assert set(SETS[name]) & set(PUBLISHED), name


@pytest.mark.parametrize("name", SETS)
def test_gate_fails_where_its_fault_is_and_nowhere_else(
    name: str, faults: dict[str, Fault], faulty: dict[str, Faulty], builds: Builds
) -> None:
    gate = faults[name].gate
    failed = {letter for letter, found in faulty.items() if gate in found.failed}
    assert failed == set(SETS[name])
    good = builds[SESSION].table("qa_gate_results", SESSION)
    assert good.filter(gate=gate)["status"].to_list() == ["passed"]
    for letter in SETS[name]:
        test = (
            "Failure"
            if faulty[letter].gates.filter(gate=gate)["severity"][0] == "error"
            else ("Warning")
        )
        assert f"{test} in test gate_{gate} " in faulty[letter].build.output
        assert f"gate {gate} failed (" in faulty[letter].build.output


@pytest.mark.parametrize("letter", REFUSED + PUBLISHED)
def test_a_gate_without_a_fault_fails_nowhere(
    letter: str, faults: dict[str, Fault], faulty: dict[str, Faulty]
) -> None:
    """Of those that have none here: what fails them leaves the others nothing to judge. See the
    tests of the proof for a session without trades in its window, and for one without events."""
    apart = {"window_has_trades", "trades_make_events"}
    assert {fault.gate for fault in faults.values()} | apart == set(faulty[letter].gates["gate"])
    assert not faulty[letter].failed & apart


@pytest.mark.parametrize("letter", REFUSED)
def test_error_publishes_nothing_and_leaves_its_evidence(
    letter: str, faulty: dict[str, Faulty]
) -> None:
    build, gates = faulty[letter].build, faulty[letter].gates
    assert build.returncode == 1
    assert [path.name for path in build.silver.iterdir()] == ["_audits"]
    evidence = build.silver / "_audits" / f"session_date={SESSION}"
    assert f"Nothing of session {SESSION} was published" in build.output
    assert str(evidence) in build.output
    kept = pl.read_parquet(evidence / "gates.parquet", hive_partitioning=False)
    assert kept.drop("run_started_at").equals(gates.drop("session_date").sort("gate"))
    failures = pl.read_parquet(evidence / "failures.parquet")
    errors = gates.filter(status="failed", severity="error")
    assert set(failures["name"]) == {f"gate_{gate}" for gate in errors["gate"]}
    assert failures["status"].unique().to_list() == ["fail"]
    assert (
        failures["run_started_at"].unique().to_list() == kept["run_started_at"].unique().to_list()
    )


@pytest.mark.parametrize("letter", PUBLISHED)
def test_warning_is_published_with_its_row(letter: str, faulty: dict[str, Faulty]) -> None:
    build = faulty[letter].build
    assert build.returncode == 0, build.output
    assert (
        build.table("qa_gate_results", SESSION)
        .sort("gate")
        .equals(faulty[letter].gates.sort("gate"))
    )
    assert build.table("level_interactions", SESSION).height > 0
    assert not (build.silver / "_audits").exists()


def test_measured_values_name_the_place_and_the_extent(faulty: dict[str, Faulty]) -> None:
    rows = {
        (letter, row["gate"]): row
        for letter, found in faulty.items()
        for row in found.gates.to_dicts()
    }
    assert rows["A", "one_contract_in_trades_and_book"]["measured"] == 2
    assert rows["B", "every_record_is_there_once"]["detail"] == "futures/trades"
    assert rows["C", "files_lie_in_time_order"]["measured"] == 40
    # Some 34 weeks of 16 years are on summer time.
    assert 2000 < rows["A", "clock_is_zero_at_the_open"]["measured"] < 4000
    assert rows["F", "prices_are_plausible"]["measured"] == 1
    assert (
        "1 trades, the worst at 0.00 on 2025-12-10 08:3"
        in rows["F", "prices_are_plausible"]["detail"]
    )
    assert 0.01 < rows["A", "atr_is_plausible"]["measured"] < 1
    assert rows["B", "no_feature_sees_the_future"]["measured"] >= 1
    assert rows["B", "no_feature_sees_the_future"]["detail"].startswith("trade_source_ts_ns of ")
    assert rows["D", "features_are_covered"]["measured"] == 0
    assert rows["D", "features_are_covered"]["detail"].startswith("tape_sell_volume of ")
    assert rows["D", "book_has_no_gap"]["measured"] > 60
    assert rows["D", "book_is_vouched_for"]["measured"] == pytest.approx(0.02, rel=0.1)
    assert rows["D", "records_arrive_in_time"]["detail"] == "futures/mbp10"
    assert rows["E", "option_flow_has_a_side"]["measured"] == pytest.approx(0.69, abs=0.05)


def test_each_gate_is_a_test_that_says_what_the_seed_says() -> None:
    """Name, claim and severity of the dbt tests are those of the rows."""
    seed = pl.read_csv(PROJECT / "seeds" / "quality_gates.csv").to_dicts()
    file = PROJECT / "models" / "silver" / "_qa_gate_results.yml"
    (model,) = yaml.safe_load(file.read_text())["models"]
    tests = [test["gate_passes"] for test in model["data_tests"] if "gate_passes" in test]
    described = {
        test["name"]: (
            test["arguments"]["gate"],
            test["description"].strip(),
            test["config"]["severity"],
            test["config"]["tags"],
        )
        for test in tests
    }
    assert len(described) == len(tests)
    assert described == {
        f"gate_{row['gate']}": (row["gate"], row["claim"] + ".", row["severity"], ["gate"])
        for row in seed
    }
