"""From a unit to its verified raw files, paying for nothing twice.

What a stream has brought before it broke is kept, if the vendor's own count of that part agrees,
and only the rest is asked for again: the vendor bills a stream by what it has sent. A batch job is
billed once and its file downloads again for free. All state is on the disk at any moment, in the
files and the ledger, so a killed run loses nothing either.

The files of a unit lie in `raw/DATE/`: `.until-NS.dbn.zst` for what was kept of broken streams (up
to that time, excluded) and `.dbn.zst` for the last or only part. Under these names they are
complete; what comes in is called `.from-NS.partial`, or `.JOB` after its batch job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

from es_physics.files import file_sha256, fsync
from ingest.download.answers import Job
from ingest.download.errors import DownloadError, OversizeError, TransientError
from ingest.download.ledger import Ledger
from ingest.download.pace import Pace
from ingest.download.plan import Conditions, Unit, conditions_within, iso
from ingest.download.received import examine, keep_before
from ingest.download.vendor import Vendor

_SUFFIX = ".dbn.zst"
_HEADER_BYTES = 16 << 20


@dataclass(frozen=True)
class Quote:
    """What a unit is and costs.

    records, bytes: of the whole unit, bytes as billed (uncompressed).
    usd:            of the whole unit; `due_usd`: what is still to be paid for it.
    how:            `have`: its raw files are complete; `job`: bought, to be downloaded; `stream`
                    or `batch`: how it will be bought.
    note:           what a buyer should know.
    anew:           what there is of it is older than the vendor's repair, and will be dropped.
    at_most:        it stands for a unit that is not known yet and will not cost more.
    """

    unit: Unit
    records: int
    bytes: int
    usd: float
    due_usd: float
    how: Literal["have", "job", "stream", "batch"]
    note: str = ""
    anew: bool = False
    at_most: bool = False

    @property
    def most_bytes(self) -> int:
        """That may arrive or be unpacked for it.

        Records can be larger than billed, by their layout, and a header names all instruments.
        """
        return 2 * self.bytes + _HEADER_BYTES


class Fetcher:
    """Fetches units into the folder `raw`.

    batch_from_bytes: the billed size from which a unit is bought as a batch job.
    """

    def __init__(
        self,
        vendor: Vendor,
        ledger: Ledger,
        raw: Path,
        pace: Pace,
        conditions: Conditions,
        batch_from_bytes: int,
    ) -> None:
        self._vendor, self._ledger, self._raw, self._pace = vendor, ledger, raw, pace
        self._conditions, self._batch_from_bytes = conditions, batch_from_bytes
        self._warnings: dict[str, list[str]] = defaultdict(list)

    # --- prices ------------------------------------------------------------------------------

    def price(self, unit: Unit) -> Quote:
        """The unit as if nothing of it were there."""
        records, size = self._vendor.count(unit), self._vendor.size(unit)
        usd = self._vendor.cost_usd(unit)
        by_batch = records and size >= self._batch_from_bytes
        return Quote(unit, records, size, usd, usd, "batch" if by_batch else "stream")

    def quote(self, unit: Unit, jobs: Sequence[Job], *, renew: bool = False) -> Quote:
        """What the unit still costs, after taking stock of what was paid for. Buys nothing.

        jobs:  the account's batch jobs.
        renew: what was bought before the vendor's last repair of the data does not count.
        """
        standing = self._ledger.standing(unit)
        if renew and standing.done and standing.done["condition"] != self._condition(unit):
            return replace(self.price(unit), anew=True, note="again: repaired by the vendor")
        if (done := standing.done) and self._is_complete(unit):
            return Quote(unit, done["records"], done["bytes"], done["usd"], 0.0, "have", "paid")
        whole = self.price(unit)
        last = self._path(unit, _SUFFIX)
        if last.exists():  # Killed between the rename and the ledger's line.
            last.replace(self._partial(unit))
        if self._partial(unit).exists() and self._settle(whole):
            return replace(whole, due_usd=0.0, how="have", note="paid")
        rest = self._rest(unit)
        if job := self._job(unit, rest, jobs):
            return replace(whole, due_usd=0.0, how="job", note=f"paid, job {job.id}")
        if standing.by_batch:
            whole = replace(whole, how="batch")
        if standing.done:
            whole = replace(whole, note="again: its raw file is gone")
        elif standing.why_again:
            whole = replace(whole, note=f"again: {standing.why_again}")
        if rest != unit:
            whole = replace(whole, due_usd=self._vendor.cost_usd(rest), note="the rest")
        return whole

    def _condition(self, unit: Unit) -> list[dict[str, Any]]:
        return conditions_within(unit.window, self._conditions)

    # --- fetching ----------------------------------------------------------------------------

    def fetch(self, quote: Quote) -> None:
        """Complete the unit's raw files as quoted. DownloadError if that fails; what came stays."""
        self._vendor.take_warnings()  # Whatever was said before was about other units.
        if quote.anew:
            self._drop(quote.unit, "repaired by the vendor")
        if quote.how == "stream":
            self._fetch_stream(quote)
        elif quote.how != "have":
            self._fetch_job(quote)

    def _fetch_stream(self, quote: Quote) -> None:
        unit = quote.unit
        for attempt in range(self._pace.attempts):
            rest = self._rest(unit)
            self._announce(quote, rest, "stream")
            broken = TransientError("the stream broke off; run again, it goes on from there")
            try:
                self._vendor.stream(rest, self._partial(unit), quote.most_bytes)
            except TransientError as error:
                broken = error
            except OversizeError as error:
                raise self._refused(unit, f"is not what was asked for: {error}") from None
            except DownloadError as error:
                self._ledger.record("failed", unit, why=str(error))
                raise
            self._warnings[unit.key] += self._vendor.take_warnings()
            if self._partial(unit).exists() and self._settle(quote):
                return
            self._ledger.record("failed", unit, why=str(broken))
            if attempt + 1 < self._pace.attempts:
                self._pace.back_off(attempt, broken.retry_after_s)
        raise broken

    def _fetch_job(self, quote: Quote) -> None:
        unit, partial = quote.unit, self._partial(quote.unit)
        job = self._bought_job(quote)
        self._wait(job)
        files = self._vendor.job_files(job)
        if len(files) != 1:
            raise DownloadError(f"batch job {job} has {len(files)} data files, not one")
        file, path = files[0], self._path(unit, f".{job}")
        if file.bytes > quote.most_bytes:
            raise DownloadError(
                f"batch job {job} has a file of {file.bytes:,} bytes, more than the quoted"
                f" {quote.bytes:,} can become; ask the vendor about it"
            )
        for attempt in range(self._pace.attempts):
            self._vendor.download(file, path)
            if file_sha256(path) == file.sha256:
                break
            path.unlink()
            self._pace.back_off(attempt)
        else:
            raise DownloadError(
                f"batch job {job} arrives damaged each time (sha256 differs); run again later, it"
                " downloads for free"
            )
        path.replace(partial)
        self._warnings[unit.key] += self._vendor.take_warnings()
        if not self._settle(quote):
            raise DownloadError(f"batch job {job} lacks records; run again for the rest")

    def _bought_job(self, quote: Quote) -> str:
        """The id of the unit's job, which is bought only if the account has none for it."""
        unit, rest = quote.unit, self._rest(quote.unit)
        for attempt in count(1):
            # Looked for each time: a request that seemed to fail may have been accepted.
            if found := self._job(unit, rest, self._vendor.jobs()):
                job = found.id
                break
            self._announce(quote, rest, "batch")
            try:
                job = self._vendor.submit(rest)
                break
            except DownloadError as error:
                self._ledger.record("failed", unit, why=str(error))
                if not isinstance(error, TransientError) or attempt == self._pace.attempts:
                    raise
                self._pace.back_off(attempt - 1, error.retry_after_s)
        if self._ledger.standing(unit).job != job:
            self._ledger.record("job", unit, job=job)
        return job

    def _job(self, unit: Unit, rest: Unit, jobs: Sequence[Job]) -> Job | None:
        spent = self._ledger.standing(unit).spent_jobs
        usable = [job for job in jobs if job.state != "expired" and job.id not in spent]
        return next((job for job in reversed(usable) if job.answers(rest)), None)

    def _wait(self, job_id: str) -> None:
        give_up = self._pace.clock() + self._pace.job_wait_s
        while True:
            states = {job.id: job.state for job in self._vendor.jobs()}
            if (state := states.get(job_id)) == "done":
                return
            if state == "expired" or self._pace.clock() > give_up:
                raise DownloadError(
                    f"batch job {job_id} is paid for, and {state or 'not listed yet'} at the"
                    " vendor; run again later"
                )
            self._pace.sleep(self._pace.poll_s)

    def _announce(self, quote: Quote, rest: Unit, mode: str) -> None:
        """Put a paid request on record before it is sent."""
        usd = quote.due_usd if rest == quote.unit else self._vendor.cost_usd(rest)
        since = {} if rest == quote.unit else {"since": iso(rest.start)}
        self._ledger.record("request", quote.unit, mode=mode, usd=usd, **since)

    # --- what has arrived --------------------------------------------------------------------

    def _settle(self, quote: Quote) -> bool:
        """Decide what the partial file is worth; whether the unit is complete now.

        If it is not, the good part is kept and the partial file is gone. Raises DownloadError
        where the file cannot be used, or not yet.
        """
        unit, partial = quote.unit, self._partial(quote.unit)
        rest = self._rest(unit)
        got = examine(partial, rest, quote.most_bytes)
        if got.damage:
            raise self._refused(unit, f"arrived damaged ({got.damage})")
        if got.foreign:
            raise self._refused(unit, f"is not what was asked for: {got.foreign}")
        expected = self._vendor.count(rest)
        if got.ended and got.records == expected:
            fsync(partial)
            partial.replace(self._path(unit, _SUFFIX))
            self._finish(quote)
            return True
        if got.last is None:
            partial.unlink()
            return False
        # The last timestamp's group may be incomplete: kept with it, if complete, or else before.
        for end, records in ((got.last + 1, got.records), (got.last, got.before_last)):
            if records and self._vendor.count(rest.until(end)) == records:
                break
        else:
            if got.before_last == 0 and not got.ended:
                partial.unlink()
                return False
            records = -1
        more = self._vendor.count(rest.since(end)) if end < rest.end else 0
        if records + more != expected or (not more and records != got.records):
            raise DownloadError(
                f"{got.records:,} records arrived and the vendor counts {expected:,}; run again"
                f" later to compare anew, which costs nothing; to buy it anew delete {partial}"
            )
        if not more:
            keep_before(partial, rest.end, self._path(unit, _SUFFIX))
            partial.unlink()
            self._finish(quote)
            return True
        keep_before(partial, end, self._path(unit, f".until-{end}{_SUFFIX}"))
        self._ledger.record("kept", unit, records=records, until=iso(end))
        partial.unlink()
        return False

    def _refused(self, unit: Unit, why: str) -> DownloadError:
        """Drop what has arrived; the error that says so. A job's file can be had again for free."""
        again = "it arrived damaged" if "damaged" in why else "it was not what was asked for"
        self._ledger.record("unusable", unit, why=again, by_batch=True)
        self._partial(unit).unlink()
        return DownloadError(
            f"{why}, and is not used; run again to buy it as a batch job, whose file can be"
            " downloaded any number of times"
        )

    def _finish(self, quote: Quote) -> None:
        """Put a complete unit on record."""
        unit, files = quote.unit, self.files(quote.unit)
        fsync(files[-1].parent)
        for left in {*self._all_files(unit)} - {*files}:
            left.unlink()
        self._ledger.record(
            "done",
            unit,
            files=[_named(file) for file in files],
            records=quote.records,
            bytes=quote.bytes,
            usd=quote.usd,
            warnings=self._warnings.pop(unit.key, []),
            condition=self._condition(unit),
        )

    def _is_complete(self, unit: Unit) -> bool:
        """Whether the raw files are those on record; if they have changed, drops them."""
        files = self.files(unit)
        if not files[-1].exists():
            return False
        done = self._ledger.standing(unit).done
        if done and done["files"] == [_named(file) for file in files]:
            return True
        self._drop(unit, "its raw file is not what it was", keep_job=True)
        return False

    def _drop(self, unit: Unit, why: str, *, keep_job: bool = False) -> None:
        job = None if keep_job else self._ledger.standing(unit).job
        self._ledger.record("unusable", unit, why=why, **({"job": job} if job else {}))
        self.remove(unit)

    # --- files -------------------------------------------------------------------------------

    def files(self, unit: Unit) -> list[Path]:
        """The unit's complete files, in the order of time."""
        return [*self._heads(unit), self._path(unit, _SUFFIX)]

    def remove(self, unit: Unit) -> None:
        """Remove the unit's complete files."""
        for file in self.files(unit):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # The folder holds another unit's files.
                file.parent.rmdir()

    def arrived_bytes(self, unit: Unit) -> int:
        """Compressed bytes on the disk, complete or not."""
        size = 0
        for file in self._all_files(unit):
            with suppress(FileNotFoundError):  # It may take its final name meanwhile.
                size += file.stat().st_size
        return size

    def _all_files(self, unit: Unit) -> list[Path]:
        stem = self._path(unit, "")
        return [*stem.parent.glob(f"{stem.name}.*")]

    def _path(self, unit: Unit, suffix: str) -> Path:
        name = f"{unit.feed.replace('/', '_')}-{unit.key}{suffix}"
        return self._raw / str(unit.day) / name

    def _partial(self, unit: Unit) -> Path:
        """Where the rest of the unit comes in.

        Its name has the time it begins at, so that what is left of an earlier one, whose good
        part was kept before the process was killed, is not taken for it.
        """
        path = self._path(unit, f".from-{self._rest(unit).start}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _heads(self, unit: Unit) -> list[Path]:
        last = self._path(unit, "")
        return sorted(last.parent.glob(f"{last.name}.until-*{_SUFFIX}"))

    def _rest(self, unit: Unit) -> Unit:
        """What is still to be asked for: from the end of what was kept on."""
        heads = self._heads(unit)
        if not heads:
            return unit
        return unit.since(int(heads[-1].name.removesuffix(_SUFFIX).rpartition("-")[2]))


def _named(file: Path) -> dict[str, str]:
    return {"name": file.name, "sha256": file_sha256(file)}
