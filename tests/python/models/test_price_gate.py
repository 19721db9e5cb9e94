"""The gate of prices: one print off the market sets it off, a market that runs does not.

A calm day and a print at zero are among the builds of the other gates' faults.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from conftest import run_dbt
from planted_faults import FRONT, MINUTE_NS, NOW, OPEN_NS, SESSION, Change, copy_bronze, rewrite

LIMIT_S = 150.0
"""Seconds in which the market falls by 7 %, to where it is halted."""


def _with_a_print(factor: float, minutes_before_the_open: int) -> Change:
    """The first of the front month's trades from that minute on is at so much of its price."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        later = rows.filter(FRONT, OPEN_NS - minutes_before_the_open * MINUTE_NS < NOW)
        off = pl.col("row_nr") == later["row_nr"].min()
        price = (pl.col("price") * factor).round(0).cast(pl.Int64)
        return rows.with_columns(price=pl.when(off).then(price).otherwise("price"))

    return change


def _limit_move(rows: pl.DataFrame) -> pl.DataFrame:
    """From 10:00 on 7 % down in `LIMIT_S` seconds, fastest at its end; ten minutes at the limit,
    with hardly a trade; then 3 % up in a minute, as when a halt is lifted, and on from there."""
    since_s = (NOW - OPEN_NS - 30 * MINUTE_NS) / 1e9
    fallen = 1 - 0.07 * (since_s / LIMIT_S).clip(0, 1) ** 2
    risen = 1 + 0.03 * ((since_s - 750) / 60).clip(0, 1)
    is_halted = since_s.is_between(LIMIT_S, 750)
    moved = (pl.col("price") * fallen * risen / 25e7).round(0) * 25e7
    at_the_limit = pl.col("row_nr") % 50 == 0
    return rows.with_columns(price=moved.cast(pl.Int64)).filter(~is_halted | at_the_limit)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (_limit_move, None),
        (_with_a_print(1.02, 200), " on 2025-12-10 06:1"),
    ],
    ids=["limit move", "two percent above"],
)
def test_a_print_off_the_market_is_named_and_a_fast_market_is_not(
    change: Change, detail: str | None, bronze: Path, tmp_path: Path
) -> None:
    copy_bronze(bronze, tmp_path / "bronze")
    rewrite(tmp_path / f"bronze/futures/trades/root=ES/date={SESSION}", change)
    arguments: dict[str, Any] = {
        "bronze": tmp_path / "bronze",
        "work": tmp_path,
        "session_date": SESSION,
    }
    selection = ("--select", "+int_gate_prices", "--exclude-resource-type", "test")
    build = run_dbt("build", *selection, **arguments)
    assert build.returncode == 0, build.output
    with duckdb.connect(tmp_path / "build.duckdb", read_only=True) as connection:
        gates = connection.sql("from intermediate.int_gate_prices").pl().to_dicts()
    found = {gate["gate"]: gate for gate in gates}
    price = found["prices_are_plausible"]
    assert (price["measured"] > price["threshold"]) == (detail is not None), price
    assert price["detail"] is None if detail is None else detail in price["detail"]
    assert found["atr_is_plausible"]["measured"] < found["atr_is_plausible"]["threshold"]
