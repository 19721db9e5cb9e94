"""Land files in Bronze: every record in the partition of its feed and CME trade date.

Files are known by content (sha256), never by name or order: the same files give the same bytes.
All of a run's files are read to their end into the staging folder before any partition is touched,
so that a damaged file spoils nothing: it is reported, and the partitions it should have been part
of stay as they are.

The rows of a partition are ordered by (`ts_recv`, file, row in the file), files by their first
`ts_recv`, last `ts_recv` and sha256.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME, ROOT_SYMBOL, Feed
from es_physics.bronze.manifest import Provenance, coverage, symbol_mappings, write_manifest
from es_physics.bronze.partitions import PartitionCheck, check_partition, partitions
from es_physics.calendar import Calendar, default_calendar, trade_date_interval
from es_physics.errors import first_line
from ingest.dbn import claims_by_name
from ingest.errors import InputError, UnreadableError
from ingest.inputs import Input, find_inputs, open_input
from ingest.merge import Part, in_file_order, merged, refuse_repeats
from ingest.partition_writer import DATA_NAME, PartitionWriter
from ingest.reader import Reader
from ingest.staging import Staging

# The vendor repeats these records from file to file: a repeat is no double counting.
_REPEATS_ALLOWED = ("futures/definition", "options/definition", "options/statistics")

Partition = tuple[str, date]
"""A feed's path and a trade date."""


@dataclass
class ImportResult:
    """What a run did. `errors` and `warnings` are lines for people, one per file or partition."""

    written: int = 0
    up_to_date: int = 0
    failed: int = 0
    rows: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if every file and partition is well, else 1."""
        return 1 if self.errors else 0

    def summary(self) -> str:
        """The closing line."""
        return (
            f"{self.written} partitions written ({self.rows:,} rows), {self.up_to_date} up to date,"
            f" {self.failed} failed; {len(self.errors)} errors; {self.seconds:.1f} s"
        )


@dataclass
class _Contribution:
    """What one decoded file gives: to each partition its rows, or None for "asked, nothing"."""

    source: dict[str, Any]
    window: tuple[int, int] | None
    parts: dict[Partition, Part | None]


@dataclass(frozen=True)
class _Damage:
    """The partitions a bad file would have been part of: those of `feeds` within `window`."""

    path: Path
    feeds: frozenset[str]
    window: tuple[int, int] | None
    partitions: frozenset[Partition] = frozenset()

    def hits(self, partition: Partition) -> bool:
        feed, day = partition
        if partition in self.partitions:
            return True
        if feed not in self.feeds or self.window is None:
            return False
        start, end = trade_date_interval(day)
        return start < self.window[1] and self.window[0] < end


def import_paths(
    paths: Iterable[str | Path],
    bronze_root: str | Path,
    *,
    force: bool = False,
    report: Callable[[str], None] | Console = print,
    calendar: Calendar | None = None,
    provenance: Provenance | None = None,
) -> ImportResult:
    """Import files, and folders of files, into Bronze.

    paths:    DBN files (versions 1 to 3, raw or zstd, told by their content), Parquet or CSV files
              of SPX prices (see `ingest.spx`); of a folder, every `*.dbn`, `*.zst`, `*.parquet`,
              `*.csv` at any depth.
    force:    replace partitions also where they came from other files or are up to date. Without
              it, a partition is replaced only if it is damaged or if all its files are given again
              together with new ones.
    report:   takes the lines of progress; a rich Console on a terminal shows a bar per file.
    calendar: the trade dates; the project's seed by default.
    provenance: of the files, all together, for the manifests of what is written.

    What is wrong with a file or a partition is a line in the result's `errors`, never an
    exception; what can be imported is imported nevertheless.
    """
    started = time.monotonic()
    result = ImportResult()
    try:
        with Staging(Path(bronze_root)) as staging:
            _Run(
                staging,
                force,
                report,
                calendar or default_calendar(),
                provenance or Provenance(),
                result,
            ).run(paths)
    except (InputError, OSError) as error:
        result.errors.append(first_line(error))
    result.seconds = time.monotonic() - started
    return result


def land_nothing(
    bronze_root: str | Path,
    feed: Feed,
    day: date,
    window: tuple[int, int],
    provenance: Provenance,
) -> None:
    """Land "asked, and there was nothing" where not even a request could be made.

    As for options of which none was listed. Replaces the partition; `window`: the [start, end) in
    ns for which there was nothing. Raises InputError or OSError if Bronze cannot be written.
    """
    with Staging(Path(bronze_root)) as staging:
        folder = staging.folder()
        PartitionWriter(folder / DATA_NAME, feed.schema).close()
        manifest = {
            **_identity(feed, day),
            "first_ts_recv": None,
            "last_ts_recv": None,
            "sources": [],
            "coverage": coverage(day, [window]),
            "symbol_mappings": {},
            **provenance.fields(),
        }
        write_manifest(folder, manifest, {DATA_NAME: 0})
        staging.commit(feed, day, folder)


def _identity(feed: Feed, day: date) -> dict[str, Any]:
    return {
        "feed": feed.path,
        "root": ROOT_SYMBOL if feed.has_root_key else None,
        "date": day.isoformat(),
    }


class _Run:
    """The state of one import."""

    def __init__(
        self,
        staging: Staging,
        force: bool,
        report: Callable[[str], None] | Console,
        calendar: Calendar,
        provenance: Provenance,
        result: ImportResult,
    ) -> None:
        self.staging, self.force, self.calendar, self.result = staging, force, calendar, result
        self.provenance = provenance
        self.console = report if isinstance(report, Console) else None
        self.say = report.out if isinstance(report, Console) else report
        self.contributions: dict[str, _Contribution] = {}
        self.damages: list[_Damage] = []
        self.checks: dict[Partition, PartitionCheck] = {}

    def run(self, paths: Iterable[str | Path]) -> None:
        found = find_inputs(paths)
        inputs = found.distinct
        for path, error in found.unreadable:
            self._unreadable(path, error)
        for path, first in found.repeated:
            self._warn(path, f"is the same file as {first}; counted once")
        claims = {sha: p for sha, p in self._landed_before().items() if sha in inputs}
        pending = [sha for sha in inputs if self.force or sha not in claims]
        decisions: dict[Partition, str] = {}
        while True:
            self._decode_all([inputs[sha] for sha in pending])
            failed = set(pending) - self.contributions.keys()
            claims |= {sha: set(given.parts) for sha, given in self.contributions.items()}
            claims = {sha: claimed for sha, claimed in claims.items() if sha not in failed}
            wanted: dict[Partition, set[str]] = defaultdict(set)
            for sha, claimed in claims.items():
                for partition in claimed:
                    wanted[partition].add(sha)
            decisions = {
                partition: self._decide(partition, wanted[partition]) for partition in wanted
            }
            # A file that an earlier run has landed is read again only if a partition needs it.
            needed = {sha for p, d in decisions.items() if d == "write" for sha in wanted[p]}
            pending = [sha for sha in inputs if sha in needed - self.contributions.keys()]
            if not pending:
                break
        self._conclude(decisions, wanted)

    def _landed_before(self) -> dict[str, set[Partition]]:
        """For each source file known to some manifest, all partitions that it landed in."""
        landed: dict[str, set[Partition]] = {}
        for feed, day in partitions(self.staging.root):
            manifest = feed.partition_dir(self.staging.root, day) / MANIFEST_NAME
            try:
                for source in json.loads(manifest.read_bytes())["sources"]:
                    landed[source["sha256"]] = {
                        (feed_path, date.fromisoformat(day_text))
                        for feed_path, day_text in source["partitions"]
                    }
            except (OSError, ValueError, KeyError, TypeError):
                continue  # The partition's own check says what is wrong with it.
        return landed

    # --- reading -----------------------------------------------------------------------------

    def _decode_all(self, inputs: list[Input]) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not (self.console and self.console.is_terminal),
        ) as progress:
            for given in inputs:
                task = progress.add_task(given.path.name, total=given.bytes)
                self._decode(given, partial(progress.update, task))
                progress.remove_task(task)

    def _decode(self, given: Input, advance: Callable[..., None]) -> None:
        """Read one file wholly into staged parts, or note it as bad."""
        try:
            file = open_input(given.path)
        except (UnreadableError, OSError) as error:
            self._unreadable(given.path, error)
            return
        except InputError as error:
            self._error(given.path, str(error))
            return
        writers: dict[Partition, PartitionWriter] = {}
        # The batches first: a thread may still be reading ahead.
        with closing(file), closing(file.batches()) as batches:
            try:
                for feed, batch in batches:
                    self._write(writers, feed, batch)
                    advance(completed=file.position)
                parts = self._finish(given, file, writers)
            except (InputError, OSError, pa.ArrowException) as error:
                for writer in writers.values():
                    with suppress(OSError, pa.ArrowException):
                        writer.close()
                    writer.path.unlink(missing_ok=True)
                self._error(given.path, first_line(error))
                self.damages.append(
                    _Damage(
                        given.path,
                        frozenset(feed.path for feed in file.feeds),
                        file.claim,
                        frozenset(writers),
                    )
                )
                return
        for remark in file.remarks:
            self._warn(given.path, remark)
        source = file.describe() | {
            "name": given.path.name,
            "sha256": given.sha256,
            "bytes": given.bytes,
            "partitions": sorted([feed, day.isoformat()] for feed, day in parts),
        }
        self.contributions[given.sha256] = _Contribution(source, file.window, parts)
        rows = sum(part.rows for part in parts.values() if part)
        self.say(f"{given.path.name}: {rows:,} rows for {_listing(parts)}")

    def _write(
        self, writers: dict[Partition, PartitionWriter], feed: Feed, batch: pa.RecordBatch
    ) -> None:
        times = batch.column("ts_recv").to_numpy()
        days = self.calendar.assign(np.array([times.min(), times.max()]))
        if days[0] != days[1]:
            days = self.calendar.assign(times)
        for day in np.unique(days):
            key = (feed.path, day.astype(object))
            if key not in writers:
                for other in writers.values():
                    other.flush()
                writers[key] = PartitionWriter(self.staging.folder() / DATA_NAME, feed.schema)
            here = days == day
            writers[key].write(batch if here.all() else batch.filter(pa.array(here)))

    def _finish(
        self, given: Input, file: Reader, writers: dict[Partition, PartitionWriter]
    ) -> dict[Partition, Part | None]:
        """The parts of a file that was read to its end, and its "asked, and there was nothing"."""
        parts: dict[Partition, Part | None] = {}
        if file.window:
            days = self.calendar.covered(*file.window) if file.complete or not writers else []
            if not days and not writers:
                days = self.calendar.touched(*file.window)
            parts |= {(feed.path, day): None for feed in file.feeds for day in days}
        for key, writer in writers.items():
            writer.close()
            assert writer.first_ts_recv is not None
            assert writer.last_ts_recv is not None
            parts[key] = Part(
                path=writer.path,
                name=given.path.name,
                sha256=given.sha256,
                rows=writer.rows,
                first=writer.first_ts_recv,
                last=writer.last_ts_recv,
                is_sorted=writer.is_sorted,
                is_final=writer.is_final,
                data_sha256=writer.sha256,
                symbol_ids=frozenset(writer.symbol_ids),
            )
        if not parts:
            raise InputError("holds no records and its request covers no trade date; leave it out")
        return parts

    # --- deciding and writing ----------------------------------------------------------------

    def _decide(
        self, partition: Partition, wanted: set[str]
    ) -> Literal["up to date", "bad file", "other sources", "write"]:
        feed, day = FEED_BY_PATH[partition[0]], partition[1]
        if partition not in self.checks:
            self.checks[partition] = check_partition(self.staging.root, feed, day)
        present = {s["sha256"] for s in self.checks[partition].manifest.get("sources", [])}
        if present == wanted and not self.force:
            return "up to date"
        if any(damage.hits(partition) for damage in self.damages):
            return "bad file"
        grows = bool(present) and present < wanted
        if self.checks[partition].status == "ok" and not self.force and not grows:
            return "other sources"
        return "write"

    def _conclude(self, decisions: dict[Partition, str], wanted: dict[Partition, set[str]]) -> None:
        """Write what is to be written, and say what becomes of every partition."""
        held_back: dict[str, list[Partition]] = defaultdict(list)
        for partition, decision in sorted(decisions.items()):
            where = f"{partition[0]} {partition[1]}"
            if decision == "up to date":
                self.result.up_to_date += 1
                self.say(f"{where}: up to date")
            elif decision == "write":
                self._land(partition, where, wanted[partition])
            elif decision == "bad file":
                self.result.failed += 1
                bad = next(damage.path for damage in self.damages if damage.hits(partition))
                held_back[bad.name].append(partition)
            else:
                self.result.failed += 1
                sources = self.checks[partition].manifest["sources"]
                self._error(
                    where,
                    f"exists, from other files ({', '.join(source['name'] for source in sources)});"
                    " give all files of that date together, or replace it with --force",
                )
        for name, partitions_ in held_back.items():
            self._error(_listing(partitions_), f"not written, as {name} would be part of it")

    def _land(self, partition: Partition, where: str, wanted: set[str]) -> None:
        check = self.checks[partition]
        given = [self.contributions[sha] for sha in sorted(wanted)]
        try:
            rows = self._build(FEED_BY_PATH[partition[0]], partition[1], given)
        except (InputError, OSError, pa.ArrowException) as error:
            self.result.failed += 1
            self._error(where, first_line(error))
            return
        self.result.written += 1
        self.result.rows += rows
        if check.status == "invalid":
            self._warn(where, f"was not valid ({check.problem}) and has been replaced")
        self.say(f"{where}: {rows:,} rows written")

    def _build(self, feed: Feed, day: date, given: list[_Contribution]) -> int:
        """Write the partition from its sources and put it in place; the number of its rows."""
        key = (feed.path, day)
        parts = in_file_order(part for source in given if (part := source.parts[key]))
        folder = self.staging.folder()
        first: int | None
        last: int | None
        if feed.path not in _REPEATS_ALLOWED:
            refuse_repeats(parts, feed.schema, self.staging.folder())
        if len(parts) == 1 and parts[0].is_final:
            first, last, rows = parts[0].first, parts[0].last, parts[0].rows
            sha256 = parts[0].data_sha256
            parts[0].path.rename(folder / DATA_NAME)
        else:
            writer = PartitionWriter(folder / DATA_NAME, feed.schema)
            with closing(writer):
                for batch in merged(parts):
                    writer.write(batch)
            first, last, rows = writer.first_ts_recv, writer.last_ts_recv, writer.rows
            sha256 = writer.sha256
            for part in parts:
                part.path.unlink()
        manifest = {
            **_identity(feed, day),
            "first_ts_recv": first,
            "last_ts_recv": last,
            "sources": [
                source.source | {"rows": part.rows if (part := source.parts[key]) else 0}
                for source in given
            ],
            "coverage": coverage(day, [source.window for source in given]),
            "symbol_mappings": symbol_mappings(set().union(*(part.symbol_ids for part in parts))),
            **self.provenance.fields(
                f"{part.name} was not in ts_recv order and has been sorted"
                for part in parts
                if not part.is_sorted
            ),
        }
        write_manifest(folder, manifest, {DATA_NAME: rows}, {DATA_NAME: sha256})
        self.staging.commit(feed, day, folder)
        return rows

    # --- telling -----------------------------------------------------------------------------

    def _unreadable(self, path: Path, error: OSError | UnreadableError) -> None:
        """Note a file of which nothing but the name can say what it would have held."""
        self._error(path, first_line(error))
        feeds, window = claims_by_name(path.name)
        self.damages.append(_Damage(path, frozenset(feed.path for feed in feeds), window))

    def _error(self, where: Path | str, what: str) -> None:
        self.result.errors.append(f"{where}: {what}")

    def _warn(self, where: Path | str, what: str) -> None:
        self.result.warnings.append(f"{where}: {what}")


def _listing(partitions_: Iterable[Partition]) -> str:
    """Partitions in few words: each feed with its first and last date and how many there are."""
    days: dict[str, list[date]] = defaultdict(list)
    for feed_path, day in sorted(partitions_):
        days[feed_path].append(day)
    return ", ".join(
        f"{path} {of[0]}" + (f" to {of[-1]} ({len(of)})" if len(of) > 1 else "")
        for path, of in days.items()
    )
