"""What lies in Bronze, as a table: a row per trade date, a column per feed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ingest.bronze import PartitionCheck, check_partition, partitions
from ingest.feeds import FEEDS
from ingest.trade_date import trade_date_interval


def covers_trade_date(check: PartitionCheck, trade_date: date) -> bool | None:
    """Whether the partition's sources were asked for the whole trade date; None if not known."""
    spans = check.manifest.get("coverage")
    if not spans:
        return None
    return [list(trade_date_interval(trade_date))] == spans


def status_table(bronze_root: Path) -> Table:
    """Rows of each partition; file sizes are checked against the manifests, contents are not."""
    table = Table(
        title=f"Bronze in {bronze_root}",
        caption="rows; - never asked; 0 asked and nothing; BAD does not match its manifest;"
        " * asked for a part of the trade date only; ? not known for which part",
    )
    table.add_column("trade date", no_wrap=True)
    for feed in FEEDS:
        table.add_column(feed.path, justify="right", no_wrap=True)
    for trade_date in sorted({day for _, day in partitions(bronze_root)}):
        checks = [
            check_partition(bronze_root, feed, trade_date, hash_files=False) for feed in FEEDS
        ]
        table.add_row(trade_date.isoformat(), *(_cell(check, trade_date) for check in checks))
    return table


def _cell(check: PartitionCheck, trade_date: date) -> Text:
    if check.status == "missing":
        return Text("-", style="dim")
    if check.status == "invalid":
        return Text("BAD", style="bold red")
    mark = {True: "", False: " *", None: " ?"}[covers_trade_date(check, trade_date)]
    return Text(f"{check.rows:,}{mark}")
