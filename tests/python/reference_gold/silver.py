"""Committed sessions as plain tables, and the sessions before one (definitions, section 20)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants

TABLES = (
    "sessions",
    "level_events",
    "level_event_features",
    "level_event_labels",
    "placebo_events",
    "placebo_labels",
    "event_paths",
    "session_grid",
    "ofi_moments",
    "microprice_counts",
    "lead_lag",
)
"""What gold reads."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Silver:
    """The committed sessions of a range: their dates, and of each table the rows of all of them.

    `rth_dates` are those with a cash session, with or without events, in order.
    """

    dates: Sequence[date]
    rth_dates: Sequence[date]
    tables: dict[str, pl.DataFrame]

    def rows(self, table: str) -> list[Row]:
        return self.tables[table].to_dicts()

    def by_date(self, table: str) -> dict[date, list[Row]]:
        """A table's rows by session; a session without any has an empty list."""
        grouped: dict[date, list[Row]] = {day: [] for day in self.dates}
        for row in self.rows(table):
            grouped[row["session_date"]].append(row)
        return grouped


def read_silver(root: Path, start: date, end: date) -> Silver:
    """The sessions from `start` to `end`, both included, that have a commit record below `root`.

    Raises:
        FileNotFoundError: a committed session lacks a table of `TABLES`.
    """
    found = [date.fromisoformat(path.stem) for path in sorted(root.glob("_commits/*.json"))]
    dates = [day for day in found if start <= day <= end]
    tables = {
        table: pl.concat(
            [
                pl.read_parquet(
                    root / table / f"session_date={day}" / "data.parquet",
                    glob=False,
                    hive_partitioning=False,
                ).with_columns(session_date=pl.lit(day))
                for day in dates
            ],
            how="vertical_relaxed",
        )
        for table in TABLES
    }
    rth = sorted(row["session_date"] for row in tables["sessions"].to_dicts() if row["has_rth"])
    return Silver(dates, rth, tables)


def prior(rth_dates: Sequence[date], day: date, count: int) -> list[date]:
    """The `count` latest sessions before `day`, or all there are."""
    return [other for other in rth_dates if other < day][-count:]


def days_with_prior(
    silver: Silver, constants: GoldConstants = GOLD_DEFAULTS
) -> Iterator[tuple[date, list[date]]]:
    """Each session that has enough sessions before it, with those that its profiles are of."""
    for day in silver.rth_dates:
        before = prior(silver.rth_dates, day, constants.prior_sessions)
        if len(before) >= constants.prior_min:
            yield day, before
