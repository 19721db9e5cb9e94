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
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from es_physics.bronze.feeds import FEED_BY_PATH, MANIFEST_NAME
from es_physics.bronze.manifest import Provenance
from es_physics.bronze.partitions import PartitionCheck, check_partition, partitions
from es_physics.calendar import Calendar, default_calendar
from es_physics.errors import first_line
from ingest.dbn import claims_by_name
from ingest.deciding import Decision, Verdict, decide
from ingest.errors import InputError, UnreadableError
from ingest.inputs import Input, find_inputs, open_input
from ingest.landing import land
from ingest.parts import Contribution, Damage, Partition, listing
from ingest.reading import DamagedError, read
from ingest.report import ImportResult, Reporter
from ingest.staging import Staging


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
    reporter = Reporter(report)
    try:
        with Staging(Path(bronze_root)) as staging:
            _Run(
                staging, force, reporter, calendar or default_calendar(), provenance or Provenance()
            ).run(paths)
    except (InputError, OSError) as error:
        reporter.result.errors.append(first_line(error))
    reporter.result.seconds = time.monotonic() - started
    return reporter.result


class _Run:
    """The state of one import."""

    def __init__(
        self,
        staging: Staging,
        force: bool,
        reporter: Reporter,
        calendar: Calendar,
        provenance: Provenance,
    ) -> None:
        self.staging, self.force, self.calendar = staging, force, calendar
        self.provenance, self.reporter = provenance, reporter
        self.contributions: dict[str, Contribution] = {}
        self.damages: list[Damage] = []
        self.checks: dict[Partition, PartitionCheck] = {}

    def run(self, paths: Iterable[str | Path]) -> None:
        """Find, read, decide, and land."""
        found = find_inputs(paths)
        inputs = found.distinct
        for path, error in found.unreadable:
            self._unreadable(path, error)
        for path, first in found.repeated:
            self.reporter.warn(path, f"is the same file as {first}; counted once")
        claims = {sha: p for sha, p in self._landed_before().items() if sha in inputs}
        pending = [sha for sha in inputs if self.force or sha not in claims]
        while True:
            for given, advance in self.reporter.bars([inputs[sha] for sha in pending]):
                self._read(given, advance)
            failed = set(pending) - self.contributions.keys()
            claims |= {sha: set(given.parts) for sha, given in self.contributions.items()}
            claims = {sha: claimed for sha, claimed in claims.items() if sha not in failed}
            decisions = decide(claims, self._landed(claims), self.damages, force=self.force)
            # A file that an earlier run has landed is read again only if a partition needs it.
            needed = {
                sha
                for decision in decisions.values()
                if decision.verdict is Verdict.WRITE
                for sha in decision.files
            }
            pending = [sha for sha in inputs if sha in needed - self.contributions.keys()]
            if not pending:
                break
        self._conclude(decisions)

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

    def _landed(self, claims: dict[str, set[Partition]]) -> dict[Partition, PartitionCheck]:
        """What is there of every partition that is claimed."""
        for feed, day in {partition for claimed in claims.values() for partition in claimed}:
            if (feed, day) not in self.checks:
                self.checks[feed, day] = check_partition(self.staging.root, FEED_BY_PATH[feed], day)
        return self.checks

    def _read(self, given: Input, advance: Callable[[int], None]) -> None:
        """Read one file wholly into staged parts, or note it as bad."""
        try:
            file = open_input(given.path)
            contribution = read(given, file, self.staging, self.calendar, advance)
        except DamagedError as error:
            self.reporter.error(given.path, str(error))
            self.damages.append(error.damage)
        except (UnreadableError, OSError) as error:
            self._unreadable(given.path, error)
        except InputError as error:
            self.reporter.error(given.path, str(error))
        else:
            for remark in file.remarks:
                self.reporter.warn(given.path, remark)
            self.contributions[given.sha256] = contribution
            rows = sum(part.rows for part in contribution.parts.values() if part)
            self.reporter.say(f"{given.path.name}: {rows:,} rows for {listing(contribution.parts)}")

    def _unreadable(self, path: Path, error: OSError | UnreadableError) -> None:
        """Note a file of which nothing but the name can say what it would have held."""
        self.reporter.error(path, first_line(error))
        feeds, window = claims_by_name(path.name)
        self.damages.append(Damage(path, frozenset(feed.path for feed in feeds), window))

    def _conclude(self, decisions: dict[Partition, Decision]) -> None:
        """Carry the decisions out, and say what becomes of every partition."""
        result = self.reporter.result
        held_back: dict[str, list[Partition]] = defaultdict(list)
        for partition, decision in sorted(decisions.items(), key=lambda item: item[0]):
            where = f"{partition[0]} {partition[1]}"
            match decision.verdict:
                case Verdict.UP_TO_DATE:
                    result.up_to_date += 1
                    self.reporter.say(f"{where}: up to date")
                case Verdict.WRITE:
                    self._land(partition, where, decision)
                case Verdict.HELD_BACK:
                    result.failed += 1
                    assert decision.held_back_by is not None
                    held_back[decision.held_back_by.name].append(partition)
                case Verdict.OTHER_FILES:
                    result.failed += 1
                    sources = self.checks[partition].manifest["sources"]
                    self.reporter.error(
                        where,
                        "exists, from other files"
                        f" ({', '.join(source['name'] for source in sources)});"
                        " give all files of that date together, or replace it with --force",
                    )
        for name, of_it in held_back.items():
            self.reporter.error(listing(of_it), f"not written, as {name} would be part of it")

    def _land(self, partition: Partition, where: str, decision: Decision) -> None:
        given = [self.contributions[sha] for sha in sorted(decision.files)]
        try:
            rows = land(partition, given, self.staging, self.provenance)
        except (InputError, OSError, pa.ArrowException) as error:
            self.reporter.result.failed += 1
            self.reporter.error(where, first_line(error))
            return
        self.reporter.result.written += 1
        self.reporter.result.rows += rows
        if self.checks[partition].status == "invalid":
            problem = self.checks[partition].problem
            self.reporter.warn(where, f"was not valid ({problem}) and has been replaced")
        self.reporter.say(f"{where}: {rows:,} rows written")
