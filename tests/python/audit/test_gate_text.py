"""What gates measured, in words, and that a narrow terminal shows all of it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from conftest import PROJECT
from rich.console import Console

from es_physics.audit.cli import gate_table
from es_physics.gate_text import YES_NO, bound, failed_gate_line, measured

SHARE = "share of rows"


def gate(value: float | None, comparison: str, threshold: float, unit: str) -> dict[str, Any]:
    return {"measured": value, "comparison": comparison, "threshold": threshold, "unit": unit}


@pytest.mark.parametrize(
    ("value", "comparison", "threshold", "unit", "words"),
    [
        (0.8473, ">=", 0.9, SHARE, ("84.7% of rows", "at least 90%")),
        (3.96e-05, "<=", 0.001, SHARE, ("0.00396% of rows", "at most 0.1%")),
        (4e-8, "<=", 0.0125, SHARE, ("0.000004% of rows", "at most 1.25%")),
        (0.55, ">=", 0.6, "share", ("55%", "at least 60%")),
        (0.0, ">=", 0.07, SHARE, ("0% of rows", "at least 7%")),
        (1.0, ">=", 1.0, SHARE, ("100% of rows", "at least 100%")),
        (1, ">=", 1, YES_NO, ("yes", "yes")),
        (0.0, ">=", 1.0, YES_NO, ("no", "yes")),
        (1.0, "<=", 0.0, YES_NO, ("yes", "no")),
        (1.0, "<=", 1.0, "contracts", ("1 contract", "at most 1")),
        (0.0, "<=", 0.0, "rows", ("0 rows", "at most 0")),
        (24_123_456.0, "<=", 0.0, "rows", ("24,123,456 rows", "at most 0")),
        (78.125, "<=", 45.25, "seconds", ("78.1 seconds", "at most 45.25")),
        (1234.5, "<=", 45.0, "seconds", ("1,234 seconds", "at most 45")),
        (None, "<=", 45.0, "seconds", ("", "at most 45")),
        (float("nan"), "<=", 45.0, "seconds", ("nan seconds", "at most 45")),
    ],
)
def test_a_value_reads_as_what_it_is(
    value: float | None, comparison: str, threshold: float, unit: str, words: tuple[str, str]
) -> None:
    row = gate(value, comparison, threshold, unit)
    assert (measured(row), bound(row)) == words


@pytest.mark.parametrize(
    ("value", "comparison", "threshold", "unit", "words"),
    [
        (0.89996, ">=", 0.9, SHARE, "89.996% of rows"),
        (0.9999999, ">=", 0.99, SHARE, "99.99999% of rows"),
        (45.0000001, "<=", 45.0, "seconds", "45.0000001 seconds"),
        (45.0, "<=", 45.0, "seconds", "45 seconds"),
    ],
)
def test_what_comes_near_a_bound_or_a_whole_is_not_rounded_to_it(
    value: float, comparison: str, threshold: float, unit: str, words: str
) -> None:
    assert measured(gate(value, comparison, threshold, unit)) == words


def test_a_failed_gate_is_one_line_with_its_place_and_the_cure() -> None:
    found = ("book_has_no_gap", "warn", 78.125, "<=", 45.0, "seconds", "futures/mbp10", "Look.")
    assert failed_gate_line(*found) == (
        "gate book_has_no_gap failed (warn): 78.1 seconds, to be at most 45 (futures/mbp10). Look."
    )
    nowhere = ("g", "error", 0.0, ">=", 1.0, YES_NO, None, "Look.")
    assert failed_gate_line(*nowhere) == "gate g failed (error): no, to be yes. Look."


@pytest.mark.parametrize("width", [80, 132])
def test_a_terminal_shows_every_gate_whole(width: int) -> None:
    with (PROJECT / "seeds" / "quality_gates.csv").open() as file:
        gates: list[dict[str, Any]] = list(csv.DictReader(file))
    for number, row in enumerate(gates):
        status = ("failed", "passed", "not_applicable")[number % 3]
        value = None if status == "not_applicable" else 0.0123456
        row |= {"status": status, "measured": value, "threshold": 0.0125}
        row["detail"] = f"approach_bars of {number} events at 2025-12-16 09:31:00, and no other"
    terminal = Console(width=width, file=io.StringIO())
    terminal.print(gate_table("2025-12-16", gates))
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in shown
    words = shown.split()
    for row in gates:
        assert row["gate"] in words
        assert all(word in words for word in f"{measured(row)} {bound(row)}".split())
    for result in ("failed", "warned", "passed", "n/a"):
        assert result in words
    assert words.count("other") == len(gates)
