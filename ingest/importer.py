"""Land files in Bronze: every record in the partition of its feed and CME trade date.

Four steps: find the files (`ingest.inputs`), read each to its end into the staging folder
(`ingest.reading`), decide what is to become of each partition (`ingest.deciding`), land it
(`ingest.landing`); what there is to say goes through `ingest.report`.

Files are known by content (sha256), never by name or order: the same files give the same bytes.
All of a run's files are read before any partition is touched, so that a damaged file spoils
nothing: it is reported, and the partitions it should have been part of stay as they are.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from rich.console import Console

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME
from es_physics.bronze.manifest import Provenance
from es_physics.bronze.partitions import PartitionCheck, check_partition, partitions
from es_physics.build.machine import default_workers
from es_physics.calendar import Calendar, default_calendar, utc_dates
from es_physics.errors import UsageError, first_line
from es_physics.files import is_local, root_path
from ingest.deciding import Decision, Offer, Verdict, decide, spans
from ingest.definitions import Definitions
from ingest.errors import LIBRARY_ERRORS, InputError, UnreadableError, UnusedError
from ingest.finding import Input, find_inputs
from ingest.inputs import open_input
from ingest.landing import land
from ingest.parts import Contribution, Damage, Partition, damage_by_name, listing
from ingest.reading import DamagedError, from_ranges, read
from ingest.report import Bars, ImportResult, Reporter
from ingest.staging import Staging

_NAMED = 5
"""So many of a partition's files are named in a line."""

_FILE_CORES, _FILE_MB = 2, 500
"""What reading a file takes: it is decompressed, converted and encoded by a thread each."""


def import_paths(
    paths: Iterable[str | Path],
    bronze_root: str | Path,
    *,
    force: bool = False,
    feeds: Collection[str] | None = None,
    report: Callable[[str], None] | Console = print,
    calendar: Calendar | None = None,
    provenance: Provenance | None = None,
    expected_rows: int | None = None,
    workers: int | None = None,
) -> ImportResult:
    """Import files, and folders of files, into Bronze.

    paths:    files of any format that `ingest.inputs` knows, by their content; folders are searched
              at any depth.
    force:    replace partitions also where they came from other files or are up to date. Without
              it, a partition is replaced only if it is damaged, if all its files are given again
              together with new ones, or by records of a better schema; and added to by files that
              overlap nothing in it.
    feeds:    the paths of the feeds that are wanted; all by default.
    report:   takes the lines of progress; a rich Console on a terminal shows a bar per file.
    calendar: the trade dates; the project's seed by default.
    provenance: of the files, all together, for the manifests of what is written.
    expected_rows: what the files give, all together; nothing is written if that is not so.
    workers:  files to read at a time; by the cores and the memory of this machine by default. They
              change neither what is written nor the lines, nor their order.

    What is wrong with a file or a partition is a line in the result's `errors`, never an
    exception; what can be imported is imported nevertheless. Raises UsageError if Bronze does not
    lie on this machine.
    """
    if not is_local(root_path(bronze_root)):
        raise UsageError(
            f"{bronze_root} is on an object store, and partitions are put in place by renaming;"
            " import into a local folder and copy that there"
        )
    started = time.monotonic()
    reporter = Reporter(report)
    try:
        with Staging(Path(bronze_root)) as staging:
            run = _Run(
                staging,
                reporter,
                calendar or default_calendar(),
                provenance or Provenance(),
                force=force,
                feeds=feeds,
                workers=workers or default_workers(_FILE_MB, _FILE_CORES),
            )
            run.run(paths, expected_rows)
    except (InputError, OSError) as error:
        reporter.result.errors.append(first_line(error))
    reporter.result.seconds = time.monotonic() - started
    return reporter.result


class _Read(NamedTuple):
    """What a file that was read to its end has given, and what is to be said of it."""

    contribution: Contribution
    remarks: list[str]
    left_out: Sequence[str]


class _Run:
    """The state of one import."""

    def __init__(
        self,
        staging: Staging,
        reporter: Reporter,
        calendar: Calendar,
        provenance: Provenance,
        *,
        force: bool,
        feeds: Collection[str] | None,
        workers: int,
    ) -> None:
        self.staging, self.reporter, self.calendar = staging, reporter, calendar
        self.provenance, self.force, self.feeds = provenance, force, feeds
        self.workers = workers
        self.now_ns = time.time_ns()
        self.definitions = Definitions(staging.root, calendar)
        self.contributions: dict[str, Contribution] = {}
        self.damages: list[Damage] = []
        self.checks: dict[Partition, PartitionCheck] = {}
        self.conditions_told: set[date] = set()

    def run(self, paths: Iterable[str | Path], expected_rows: int | None = None) -> None:
        """Find, read, decide, and land."""
        found = find_inputs(paths)
        inputs = found.distinct
        for label, error in found.unreadable:
            self._unreadable(label, error)
        for label, first in found.repeated:
            self.reporter.warn(label, f"is the same file as {first}; counted once")
        for label, remark in found.remarks:
            self.reporter.warn(label, remark)
        for label, why in found.left_out:
            self.reporter.leave_out(label, why)
        before = {sha: p for sha, p in self._landed_before().items() if sha in inputs}
        pending = [sha for sha in inputs if self.force or sha not in before]
        failed: set[str] = set()
        while True:
            self._read_all([inputs[sha] for sha in pending])
            failed |= set(pending) - self.contributions.keys()
            offers = self._offers({sha: p for sha, p in before.items() if sha not in failed})
            decisions = decide(offers, self._landed(offers), self.damages, force=self.force)
            # A file that an earlier run has landed is read again only if a partition needs it.
            needed = {
                sha
                for decision in decisions.values()
                if decision.verdict in (Verdict.WRITE, Verdict.ADD)
                for sha in decision.files
            }
            pending = [sha for sha in inputs if sha in needed - self.contributions.keys()]
            if not pending:
                break
        if expected_rows is None or self._gives(expected_rows, inputs.keys()):
            self._conclude(decisions)

    def _gives(self, expected_rows: int, files: Collection[str]) -> bool:
        """Whether all the files together give so many rows, as far as they had to be read."""
        given = self.contributions
        parts = [part for one in given.values() for part in one.parts.values() if part]
        rows = sum(part.rows for part in parts)
        if given.keys() != files or rows == expected_rows:
            return True
        self.reporter.error(
            "all files", f"give {rows:,} rows, and {expected_rows:,} were to be expected"
        )
        return False

    def _landed_before(self) -> dict[str, tuple[str | None, set[Partition]]]:
        """Each source file known to some manifest: its schema, and all it has something for."""
        landed: dict[str, tuple[str | None, set[Partition]]] = {}
        for feed, day in partitions(self.staging.root):
            manifest = feed.partition_dir(self.staging.root, day) / MANIFEST_NAME
            try:
                for source in json.loads(manifest.read_bytes())["sources"]:
                    if source["sha256"] not in landed:
                        of_it = from_ranges(source["partitions"], self.calendar)
                        landed[source["sha256"]] = source["schema"], of_it
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue  # The partition's own check says what is wrong with it.
        return landed

    def _offers(
        self, before: Mapping[str, tuple[str | None, set[Partition]]]
    ) -> dict[Partition, list[Offer]]:
        """What the files have for each partition: those landed before, and those read."""
        offers: dict[Partition, list[Offer]] = defaultdict(list)
        for sha256, (schema, of_it) in before.items():
            if sha256 not in self.contributions:
                for partition in of_it:
                    if self.feeds is None or partition[0] in self.feeds:
                        offers[partition].append(Offer(sha256, schema, ()))
        for sha256, given in self.contributions.items():
            for partition, part in given.parts.items():
                there = (part.first, part.last) if part else (None, None)
                offer = Offer(sha256, given.schema, spans(given.window, *there))
                offers[partition].append(offer)
        return offers

    def _landed(self, claimed: Iterable[Partition]) -> dict[Partition, PartitionCheck]:
        """What is there of every partition that something is offered for."""
        for feed, day in claimed:
            if (feed, day) not in self.checks:
                self.checks[feed, day] = check_partition(self.staging.root, FEED_BY_PATH[feed], day)
        return self.checks

    def _read_all(self, inputs: list[Input]) -> None:
        """Read files, definitions first: others may need them to name their instruments."""
        first, rest = list[Input](), list[Input]()
        for given in inputs:
            is_first = len(inputs) > 1 and self._holds_definitions(given)
            (first if is_first else rest).append(given)
        with self.reporter.bars() as bars, ThreadPoolExecutor(self.workers) as pool:
            try:
                for some in (first, rest):
                    outcomes = pool.map(partial(self._read, bars), some)
                    for given, outcome in zip(some, outcomes, strict=True):
                        self._settle(given, outcome)
            except BaseException:
                bars.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _holds_definitions(self, given: Input) -> bool:
        try:
            with (
                given.on_disk(self.staging.folder) as path,
                closing(open_input(path, self.definitions)) as file,
            ):
                return file.schema == "definition"
        except (InputError, OSError, *LIBRARY_ERRORS):
            return False  # What is wrong is said when it is read.

    def _read(self, bars: Bars, given: Input) -> _Read | Exception:
        """One file, read wholly into staged parts, or what was raised as it is bad or of no use."""
        try:
            with bars.bar(given) as advance, given.on_disk(self.staging.folder) as path:
                file = open_input(path, self.definitions)
                contribution, remarks = read(
                    given,
                    file,
                    self.staging,
                    self.calendar,
                    feeds=self.feeds,
                    now_ns=self.now_ns,
                    advance=advance,
                )
                return _Read(contribution, remarks, file.left_out)
        except (InputError, OSError, *LIBRARY_ERRORS) as error:
            return error

    def _settle(self, given: Input, outcome: _Read | Exception) -> None:
        """Keep what a file has given, or note it as bad or of no use."""
        match outcome:
            case _Read(contribution, remarks, left_out):
                self._take(given, contribution)
                if left_out:
                    self.reporter.leave_out(given.label, "; ".join(left_out))
                for remark in remarks:
                    self.reporter.warn(given.label, remark)
            case UnusedError():
                self.reporter.leave_out(given.label, str(outcome))
            case DamagedError():
                self.reporter.error(given.label, str(outcome))
                self.damages.append(outcome.damage)
            case UnreadableError():
                self._unreadable(given.label, outcome)
            case InputError():
                self.reporter.error(given.label, str(outcome))
            case _:
                self._unreadable(given.label, outcome)

    def _take(self, given: Input, contribution: Contribution) -> None:
        """Keep what a file has given."""
        self.contributions[given.sha256] = contribution
        rows = 0
        for (feed, day), part in contribution.parts.items():
            if part:
                rows += part.rows
                for staged in part.files:
                    self.definitions.add(feed, day, staged)
        self.reporter.say(f"{given.name}: {rows:,} rows for {listing(contribution.parts)}")
        touched = {utc for _, day in contribution.parts for utc in utc_dates(day)}
        for utc in sorted(touched - self.conditions_told):
            condition = given.conditions.get(utc, {}).get("condition", "available")
            if condition != "available":
                self.reporter.warn(utc.isoformat(), f"its data is {condition}, the vendor says")
                self.conditions_told.add(utc)

    def _unreadable(self, label: str, error: Exception) -> None:
        """Note a file of which nothing but the name can say what it would have held."""
        self.reporter.error(label, first_line(error))
        self.damages.append(damage_by_name(label.rpartition("/")[2]))

    def _conclude(self, decisions: dict[Partition, Decision]) -> None:
        """Carry the decisions out, and say what becomes of every partition."""
        result = self.reporter.result
        held_back: dict[str, list[Partition]] = defaultdict(list)
        unused: dict[tuple[str, str], list[Partition]] = defaultdict(list)
        for partition, decision in sorted(decisions.items(), key=lambda item: item[0]):
            where = f"{partition[0]} {partition[1]}"
            for schema in decision.unused:
                unused[schema, str(decision.schema)].append(partition)
            match decision.verdict:
                case Verdict.UP_TO_DATE:
                    result.up_to_date += 1
                    self.reporter.say(f"{where}: up to date")
                case Verdict.BETTER_THERE:
                    result.up_to_date += 1
                    there = str(self.checks[partition].made_from)
                    unused[str(decision.schema), there].append(partition)
                case Verdict.WRITE | Verdict.ADD:
                    self._land(partition, where, decision)
                case Verdict.HELD_BACK:
                    result.failed += 1
                    assert decision.held_back_by is not None
                    held_back[decision.held_back_by].append(partition)
                case Verdict.OTHER_FILES:
                    result.failed += 1
                    sources = self.checks[partition].manifest["sources"]
                    self.reporter.error(
                        where,
                        f"exists, from other files ({_names(sources)});"
                        " give all files of that date together, or replace it with --force",
                    )
        for name, of_it in held_back.items():
            self.reporter.error(listing(of_it), f"not written, as {name} would be part of it")
        for (worse, better), of_it in unused.items():
            self.reporter.leave_out(listing(of_it), f"records of {worse}, as {better} is there")

    def _land(self, partition: Partition, where: str, decision: Decision) -> None:
        given = [self.contributions[sha] for sha in sorted(decision.files)]
        check, result = self.checks[partition], self.reporter.result
        adds = decision.verdict is Verdict.ADD
        try:
            landed = land(
                partition, given, self.staging, self.provenance, beside=check if adds else None
            )
        except (InputError, OSError, pa.ArrowException) as error:
            result.failed += 1
            self.reporter.error(where, first_line(error))
            return
        result.written += 1
        result.rows += landed.rows
        if check.status == "invalid":
            self.reporter.warn(where, f"was not valid ({check.problem}) and has been replaced")
        dropped = [
            source
            for source in check.manifest.get("sources", [])
            if not adds and source["sha256"] not in decision.files
        ]
        if dropped:
            rows = sum(source["rows"] for source in dropped)
            self.reporter.warn(where, f"no longer holds the {rows:,} rows of {_names(dropped)}")
        added = f", added to {check.rows:,}" if adds else ""
        repeated = f"; {landed.repeated:,} in several files counted once" if landed.repeated else ""
        self.reporter.say(f"{where}: {landed.rows:,} rows written{added}{repeated}")


def _names(sources: Sequence[Mapping[str, Any]]) -> str:
    """The names of a manifest's sources, of many the first."""
    names = [str(source["name"]) for source in sources]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
