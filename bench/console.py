"""How the benchmarks print."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 100
"""Without a terminal rich takes it to be 80 wide: too few for the tables."""


def console() -> Console:
    """Plain output that wraps no line of text."""
    given = Console(highlight=False, soft_wrap=True)
    return (
        given if given.is_terminal else Console(highlight=False, soft_wrap=True, width=PIPE_WIDTH)
    )


def number_table(title: str, *headings: str, first: str = "", caption: str | None = None) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(title=title, box=SIMPLE_HEAD, caption=caption)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
