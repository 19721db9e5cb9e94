"""What lies in Bronze, as a table: a row per trade date, a column per feed."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from es_physics.bronze.feeds import FEEDS
from es_physics.bronze.partitions import PartitionCheck, check_partition, partitions
from es_physics.calendar import trade_date_interval


def covers_trade_date(check: PartitionCheck, trade_date: date) -> bool | None:
    """Whether the partition's sources were asked for the whole trade date; None if not known."""
    spans = check.manifest.get("coverage")
    if not spans:
        return None
    return [list(trade_date_interval(trade_date))] == spans


def status_rows(bronze_root: Path) -> list[dict[str, Any]]:
    """One row per trade date and feed: the partition's status, rows, and what it covers.

    File sizes are checked against the manifests, contents are not.
    """
    return [
        {
            "trade_date": trade_date,
            "feed": feed.path,
            "status": check.status,
            "rows": check.rows,
            "problem": check.problem,
            "covers_trade_date": covers_trade_date(check, trade_date),
        }
        for trade_date in sorted({day for _, day in partitions(bronze_root)})
        for feed in FEEDS
        for check in (check_partition(bronze_root, feed, trade_date, hash_files=False),)
    ]


def status_table(bronze_root: Path) -> Table:
    """`status_rows` with a row per trade date, a column per feed."""
    table = Table(
        title=f"Bronze in {bronze_root}",
        caption="rows; - never asked; 0 asked and nothing; BAD does not match its manifest;"
        " * asked for a part of the trade date only; ? not known for which part",
    )
    table.add_column("trade date", no_wrap=True)
    for feed in FEEDS:
        table.add_column(feed.path, justify="right", no_wrap=True)
    for trade_date, rows in groupby(status_rows(bronze_root), key=itemgetter("trade_date")):
        table.add_row(trade_date.isoformat(), *map(_cell, rows))
    return table


def _cell(row: dict[str, Any]) -> Text:
    if row["status"] == "missing":
        return Text("-", style="dim")
    if row["status"] == "invalid":
        return Text("BAD", style="bold red")
    mark = {True: "", False: " *", None: " ?"}[row["covers_trade_date"]]
    return Text(f"{row['rows']:,}{mark}")
