"""What is under way, on a terminal: a line per unit and one for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from ingest.download.fetch import Fetcher, Quote


class DownloadProgress:
    """A bar for the whole, by billed bytes, and what has arrived of each unit in work.

    A context manager; it shows nothing where the console is no terminal.
    """

    def __init__(self, console: Console, fetcher: Fetcher, quotes: Iterable[Quote]) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            _Arrived(fetcher),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task("all", total=sum(quote.bytes for quote in quotes))

    def __enter__(self) -> DownloadProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def refresh(self) -> None:
        """Show what is true now; on a terminal this happens by itself all the time."""
        self._progress.refresh()

    @contextmanager
    def showing(self, quote: Quote) -> Iterator[None]:
        """The unit is in work as long as the block runs; any thread may call this."""
        task = self._progress.add_task(str(quote.unit), total=None, quote=quote)
        try:
            yield
        finally:
            self._progress.remove_task(task)
            self._progress.advance(self._all, quote.bytes)


class _Arrived(ProgressColumn):
    def __init__(self, fetcher: Fetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def render(self, task: Task) -> Text:
        quote: Quote | None = task.fields.get("quote")
        if quote is None:
            return Text(f"{task.percentage:.0f} %")
        arrived = decimal(self._fetcher.arrived_bytes(quote.unit))
        return Text(f"{arrived} compressed, of {decimal(quote.bytes)} uncompressed")
