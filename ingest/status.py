"""What lies in Bronze, as a table: a row per trade date, a column per feed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from es_physics.bronze.feeds import FEEDS
from es_physics.bronze.partitions import PartitionCheck, check_partition, partitions
from es_physics.calendar import trade_date_interval

ROUNDED_WIDTH = 80
SHORT = {"definition": "defin.", "statistics": "stat."}
"""Names that are too long for the head of a rounded column."""


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


def status_table(bronze_root: Path, width: int) -> Table:
    """`status_rows` with a row per trade date, a column per feed; rounded if else it is too wide.

    `width`: columns of the terminal, of which the rounded table needs `ROUNDED_WIDTH`.
    """
    rows = status_rows(bronze_root)
    exact = _table(bronze_root, rows, is_rounded=False)
    measured = Console(width=10_000).measure(exact).maximum
    return exact if measured <= width else _table(bronze_root, rows, is_rounded=True)


def _table(bronze_root: Path, rows: list[dict[str, Any]], *, is_rounded: bool) -> Table:
    table = Table(
        title=f"Bronze in {bronze_root}",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=is_rounded,
        title_justify="left",
        caption_justify="left",
        caption=f"{'rows, k and M rounded' if is_rounded else 'rows'}; - never asked; 0 asked and"
        " nothing; BAD does not match its manifest; * asked for a part of the trade date only;"
        " ? not known for which part",
    )
    table.add_column("trade date", no_wrap=True)
    for heading in _short_headings() if is_rounded else (feed.path for feed in FEEDS):
        table.add_column(heading, justify="right", no_wrap=True)
    for trade_date, of_date in groupby(rows, key=itemgetter("trade_date")):
        table.add_row(trade_date.isoformat(), *(_cell(row, is_rounded) for row in of_date))
    return table


def _short_headings() -> Iterator[str]:
    """The feeds' names, above the first of a group the group's: it is that of all to its right."""
    last = ""
    for group, name in (feed.path.split("/") for feed in FEEDS):
        yield f"{'' if group == last else group}\n{SHORT.get(name, name)}"
        last = group


def _cell(row: dict[str, Any], is_rounded: bool) -> Text:
    if row["status"] == "missing":
        return Text("-", style="dim")
    if row["status"] == "invalid":
        return Text("BAD", style="bold red")
    mark = {True: "", False: "*", None: "?"}[row["covers_trade_date"]]
    return Text(f"{_rounded(row['rows']) if is_rounded else format(row['rows'], ',')}{mark}")


def _rounded(count: int) -> str:
    """At most four characters: 999, 1.2k, 45k, 1.0M."""
    for unit, size in (("", 1), ("k", 10**3), ("M", 10**6), ("G", 10**9)):
        scaled = count / size
        if unit and round(scaled, 1) < 10:
            return f"{scaled:.1f}{unit}"
        if round(scaled) < 1000:
            return f"{scaled:.0f}{unit}"
    return f"{scaled:.0f}G"
