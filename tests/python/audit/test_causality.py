"""Causality by cutting: clean code proves clean, and looking ahead is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import PROJECT
from planted_faults import SESSION, copy_bronze, copy_project

import es_physics.audit.causality
from es_physics.audit.causality import CausalityError, Difference, Proof, differences, prove
from es_physics.build.build_date import Outcome

Prove = Callable[..., tuple[list[Proof], list[str]]]


def proofs_and_words(*arguments: Any, **options: Any) -> tuple[list[Proof], list[str]]:
    said: list[str] = []
    return prove(*arguments, **options, say=said.append), said


@pytest.fixture(scope="module")
def prove_apart() -> Iterator[Prove]:
    """In a process of its own, as a command is: a process has one server that all it starts are
    forks of, and other tests have one that knows no dbt."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda *arguments, **options: pool.submit(
            proofs_and_words, *arguments, **options
        ).result()


@pytest.fixture(scope="module")
def own_bronze(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("causality") / "bronze"
    copy_bronze(bronze, root)
    return root


def test_cutting_bronze_moves_nothing_that_was_known(
    own_bronze: Path, tmp_path: Path, prove_apart: Prove
) -> None:
    (first, middle, last, premarket), said = prove_apart(
        date.fromisoformat(SESSION), own_bronze, tmp_path, project=PROJECT
    )
    assert [proof.differences for proof in (first, middle, last, premarket)] == [[], [], [], []]
    assert len(said) == 5
    assert all(line.startswith("built ") for line in said)
    assert first.row_counts["level_events"] == first.row_counts["level_event_features"] == 1
    assert last.row_counts["level_events"] == last.row_counts["level_event_features"] > 12
    assert last.row_counts["event_replenishment"] == 12 * last.row_counts["level_events"]
    # 121 steps of the book up to each anchor, the anchor's own among them.
    assert last.row_counts["event_book"] == 121 * last.row_counts["level_events"]
    assert last.row_counts["level_states"] > first.row_counts["level_states"] > 0
    assert last.row_counts["placebo_events"] > first.row_counts["placebo_events"]
    assert last.row_counts["event_paths"] == 61 * (
        last.row_counts["level_events"] + last.row_counts["placebo_events"]
    )
    assert last.row_counts["session_grid"] > first.row_counts["session_grid"] > 0
    assert last.row_counts["gamma_by_minute"] > first.row_counts["gamma_by_minute"] > 0
    assert last.row_counts["gamma_by_strike"] > first.row_counts["gamma_by_strike"] > 0
    assert premarket.row_counts["bars_1m"] > 300


def test_looking_ahead_is_reported(own_bronze: Path, tmp_path: Path, prove_apart: Prove) -> None:
    """A fit over the whole session, of which no time of a source tells, and an ATR that reads bars
    of the premarket."""
    project = tmp_path / "project"
    copy_project(project)
    for name, text, other in (
        (
            "models/intermediate/features/int_force_mass_fits.sql",
            "rows between unbounded preceding and current row",
            "rows between unbounded preceding and unbounded following",
        ),
        ("models/intermediate/bars/int_rth_volatility.sql", "where is_rth", "where bar_end_ns > 0"),
    ):
        before = (project / name).read_text()
        assert before.count(text) == 1
        (project / name).write_text(before.replace(text, other))

    (*cuts, premarket), _ = prove_apart(
        date.fromisoformat(SESSION), own_bronze, tmp_path / "work", cuts=1, project=project
    )
    for cut in cuts:
        assert {difference.table for difference in cut.differences} == {"level_event_features"}
        moved = {difference.column for difference in cut.differences}
        assert {"force_mass_k", "predicted_accel", "accel_residual"} <= moved
        assert all(
            "force_mass" in str(name)
            or "_accel" in str(name)
            or "accel_" in str(name)
            or "velocity" in str(name)
            for name in moved
        )
    assert {difference.column for difference in premarket.differences} >= {"atr", "rth_volatility"}


def test_differences_are_of_rows_and_of_bits() -> None:
    whole = pa.table({"id": [1, 2, 3], "x": [0.0, math.nan, 1.0], "n": ["a", None, "c"]})
    cut = pa.table({"id": [4, 3, 2, 1], "x": [9.0, 1.0 + 2**-52, math.nan, -0.0], "n": [None] * 4})
    cut = cut.set_column(2, "n", pa.array(["d", "c", None, None], pa.string()))
    assert differences("t", ["id"], whole, cut.slice(1)) == [
        Difference("t", (1,), "x", 0.0, -0.0),
        Difference("t", (3,), "x", 1.0, 1.0 + 2**-52),
        Difference("t", (1,), "n", "a", None),
    ]
    assert differences("t", ["id"], whole, whole) == []
    assert differences("t", ["id"], whole.slice(0, 1), cut.slice(0, 1)) == [
        Difference("t", (1,), None, "there", "missing"),
        Difference("t", (4,), None, "missing", "there"),
    ]
    assert str(Difference("bars_1m", (7,), "atr", 1.5, None)) == (
        "bars_1m 7: atr is 1.5 of the whole session, None cut"
    )


def test_a_build_that_fails_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"futures/trades/root=ES/date={SESSION}").mkdir(parents=True)
    outcome = Outcome(date.fromisoformat(SESSION), "died", "it was killed", "last: int_bars_2m")
    monkeypatch.setattr(
        es_physics.audit.causality,
        "run_here",
        lambda jobs, workers: iter([(jobs[0], outcome)]),
    )
    with pytest.raises(
        CausalityError, match=r"nothing is proven\. dbt said:\nit was killed\nlast: int_bars_2m"
    ):
        prove(date.fromisoformat(SESSION), tmp_path, tmp_path / "work", project=PROJECT)


def test_session_without_events_cannot_be_judged(
    bronze: Path, tmp_path: Path, prove_apart: Prove
) -> None:
    """Thanksgiving: trades, and no cash session."""
    with pytest.raises(CausalityError, match="2025-11-27 has no event with the Bronze below"):
        prove_apart(date(2025, 11, 27), bronze, tmp_path, project=PROJECT)
