"""What a file of any format is to the import: the interface that every reader has.

To add a format:

1. write a class with the attributes and methods of `Reader` in a module of its own (`ingest.dbn`
   and `ingest.spx` are two), opened by `Class(path, definitions)`; an `ingest.routing.Router` tells
   it what each instrument is called and which feed its records go to;
2. add a line to `FORMATS` in `ingest.inputs` that tells its files by their first bytes or, where
   they have no mark, by their name; and the mark or suffix to `MAGICS` or `SUFFIXES` there.

The import does the rest: trade dates, order, row numbers, which file fills a partition, writing. It
reads a file to its end before it touches a partition.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from es_physics.bronze.feeds import Feed

Window = tuple[int, int]
"""[start, end) in epoch nanoseconds."""


class Reader(Protocol):
    """One opened file whose header has been read and whose content Bronze has a place for.

    Opening raises UnreadableError if it cannot be said what the file holds (damage, no known
    format), UnusedError if it holds nothing that the models use, InputError if it does and cannot
    be landed; each closes the file.

    path:     of the file.
    schema:   the vendor's schema that its records have (`mbp-10`), for the manifest's `made_from`;
              None for what is not the vendor's.
    feeds:    those it was asked for, hence those that have zero rows where it has no records.
    window:   what it was asked for; None if that is not known.
    claim:    the window, or from its start on without end; None if nothing is known. If the file
              turns out damaged, no partition of its feeds within the claim is written.
    complete: its window can be trusted to hold all there was (the request had no record limit).
    left_out: once `batches` has ended, which records were left out and why: clauses for people,
              each with a number (`Router.left_out`).
    remarks:  then too, what looks wrong and was landed nevertheless: clauses for people.
    """

    @property
    def path(self) -> Path: ...

    @property
    def schema(self) -> str | None: ...

    @property
    def feeds(self) -> Sequence[Feed]: ...

    @property
    def window(self) -> Window | None: ...

    @property
    def claim(self) -> Window | None: ...

    @property
    def complete(self) -> bool: ...

    @property
    def left_out(self) -> Sequence[str]: ...

    @property
    def remarks(self) -> Sequence[str]: ...

    @property
    def position(self) -> int:
        """Bytes of the file read so far, for the progress bar."""

    def describe(self) -> dict[str, Any]:
        """What a manifest records of this source beside its name, hash and rows.

        JSON values; asked for once `batches` has ended, so that it may hold counts. Every reader
        has the keys of `ingest.dbn.DbnFile.describe` (None where unknown) and may have more.
        """

    def batches(self) -> Generator[tuple[Feed, pa.RecordBatch]]:
        """The records in file order, as (feed, batch) pairs of a few MB at most.

        A batch has the columns and types of the feed's schema without `row_nr`, and at least one
        row; its `ts_recv` lie in [EARLIEST, LATEST) and need not be sorted. A chunk of the file may
        give one batch for each of several feeds. Raises InputError, with words that go on after
        the file's name, at the first record that is damaged or cut off: nothing of the file is
        landed then.
        """

    def close(self) -> None:
        """Close the file; `batches` is closed before."""
