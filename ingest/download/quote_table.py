"""The price of a download as a table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from ingest.download.fetch import Quote

_WAYS = {"have": "on disk", "job": "batch job", "stream": "stream", "batch": "batch job"}


def quote_table(quotes: Iterable[Quote], title: str) -> Table:
    """A row per unit, and the total: what it holds and what is still to be paid for it."""
    table = Table(title=title, show_footer=True)
    listed = list(quotes)
    total = [f"{sum(q.records for q in listed):,}", _megabytes(sum(q.bytes for q in listed))]
    total.append(f"{bound(listed)}{due_usd(listed):,.2f}")
    table.add_column("trade date", "total", no_wrap=True)
    table.add_column("feed", no_wrap=True)
    table.add_column("symbols", no_wrap=True)
    for name, footer in zip(("records", "MB", "USD"), total, strict=True):
        table.add_column(name, footer, justify="right", no_wrap=True)
    table.add_column("by", no_wrap=True)
    table.add_column("note")
    for quote in listed:
        symbols = quote.unit.symbols
        table.add_row(
            str(quote.unit.day),
            quote.unit.feed,
            symbols[0] if len(symbols) == 1 else f"{len(symbols):,} symbols",
            f"{bound([quote])}{quote.records:,}",
            f"{bound([quote])}{_megabytes(quote.bytes)}",
            f"{bound([quote])}{quote.due_usd:,.2f}",
            _WAYS[quote.how],
            quote.note,
        )
    return table


def due_usd(quotes: Iterable[Quote]) -> float:
    """What is still to be paid, in USD."""
    return sum(quote.due_usd for quote in quotes)


def bound(quotes: Iterable[Quote]) -> str:
    """The sign of an upper bound, if one of the quotes is one."""
    return "≤" if any(quote.at_most for quote in quotes) else ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
