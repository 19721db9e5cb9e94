"""The vendor's client behind the few calls a download needs: paced, retried, errors in words.

Every call of the `databento` package is in this module.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import databento as db
import numpy as np
import requests
import zstandard
from databento.common.error import BentoError, BentoHttpError, BentoWarning
from databento.common.http import check_http_error
from databento_dbn import DBNError

from ingest.download.errors import (
    DownloadError,
    RefusedError,
    TransientError,
    UnprocessableError,
    is_disk_full,
)
from ingest.download.pace import Pace, RateLimit
from ingest.download.plan import DATASET, Conditions, Unit, iso

_T = TypeVar("_T")

_API_PARTS = ("batch", "metadata", "symbology", "timeseries")
_REFUSED = {
    401: "the vendor does not know the API key; check DATABENTO_API_KEY against"
    " https://databento.com/portal/keys",
    402: "the account cannot pay (no credit left, a spending limit, or no payment method); see"
    " https://databento.com/portal/billing",
    403: f"the API key may not read {DATASET}; ask the account's owner for the permission or the"
    " data licence",
}
_TRANSIENT = (408, 429)
_TIMEOUT_S = 100.0
_CHUNK_BYTES = 1 << 16
# What the client raises when an answer does not come through or cannot be read.
_CLIENT_ERRORS = (
    BentoError,
    DBNError,
    OSError,  # Among them every error of requests.
    RuntimeError,
    ValueError,
    zstandard.ZstdError,
)


@dataclass(frozen=True)
class Job:
    """A batch job of the account: its id, state, and the request it was bought for."""

    id: str
    state: str
    request: dict[str, Any]

    def answers(self, unit: Unit) -> bool:
        """Whether the job is of exactly this unit, as one compressed DBN file."""
        symbols = self.request["symbols"]
        symbols = symbols.split(",") if isinstance(symbols, str) else symbols
        wanted = {
            **unit.described(),
            "symbols": sorted(unit.symbols),
            "encoding": "dbn",
            "compression": "zstd",
            "split_duration": "none",
            "limit": None,
        }
        found = {**self.request, "symbols": sorted(symbols)}
        return all(found.get(key, value) == value for key, value in wanted.items())


@dataclass(frozen=True)
class JobFile:
    """The data file of a finished job."""

    url: str
    bytes: int
    sha256: str


class Vendor:
    """The vendor's historical API.

    Waiting for the documented rate limits, and trying again after what may pass (408, 429, 5xx,
    a lost connection), are inside every call but `stream` and `submit`, which cost money: these
    try once and raise TransientError, for the caller to see first what has arrived.
    """

    def __init__(self, key: str, pace: Pace, base_url: str | None = None) -> None:
        """`base_url`, like "http://127.0.0.1:8000": another server, as for a proxy or tests."""
        self._key, self._pace = key, pace
        self._client = db.Historical(key)
        if base_url:
            for part in _API_PARTS:
                api = getattr(self._client, part)
                api._base_url = f"{base_url.rstrip('/')}/v{db.API_VERSION}/{part}"
        # Documented under "rate limits" of the historical API.
        self._metadata = RateLimit(20, 1.0, pace)
        self._symbology = RateLimit(100, 1.0, pace)
        self._timeseries = RateLimit(100, 1.0, pace)
        self._list_jobs = RateLimit(20, 1.0, pace)
        self._submit_job = RateLimit(20, 60.0, pace)
        self._heard = threading.local()

    # --- free of charge ----------------------------------------------------------------------

    def conditions(self, first: date, last: date) -> Conditions:
        """The dataset's condition on each UTC date from `first` to `last`, where it has one."""
        days = self._call(
            self._metadata,
            self._client.metadata.get_dataset_condition,
            dataset=DATASET,
            start_date=first,
            end_date=last,
        )
        return {
            date.fromisoformat(str(day["date"])): {
                key: day.get(key) for key in ("condition", "last_modified_date")
            }
            for day in days
        }

    def is_listed(self, parent: str, day: date) -> bool:
        """Whether a parent symbol had any instrument on that date."""
        try:
            answer = self._call(
                self._symbology,
                self._client.symbology.resolve,
                dataset=DATASET,
                symbols=[parent],
                stype_in="parent",
                stype_out="instrument_id",
                start_date=day,
                end_date=day + timedelta(days=1),
            )
        except UnprocessableError as error:
            if error.unresolved:
                return False
            raise
        return any(answer["result"].values())

    def count(self, unit: Unit) -> int:
        """The unit's number of records."""
        call = self._client.metadata.get_record_count
        return int(self._call(self._metadata, call, **_asked(unit)))

    def cost_usd(self, unit: Unit) -> float:
        """The unit's price."""
        return float(self._call(self._metadata, self._client.metadata.get_cost, **_asked(unit)))

    def size(self, unit: Unit) -> int:
        """The unit's billed size, which is that of its records, uncompressed, in bytes."""
        call = self._client.metadata.get_billable_size
        return int(self._call(self._metadata, call, **_asked(unit)))

    def jobs(self) -> list[Job]:
        """The account's batch jobs, expired ones too, oldest first."""
        jobs = self._call(
            self._list_jobs,
            self._client.batch.list_jobs,
            states="queued,processing,done,expired",
        )
        return [
            Job(
                job["id"],
                job["state"],
                {key: _same_time(key, value) for key, value in job.items()},
            )
            for job in jobs
        ]

    def job_files(self, job_id: str) -> list[JobFile]:
        """The data files of a finished job, without those that describe it."""
        files = self._call(self._list_jobs, self._client.batch.list_files, job_id)
        return [
            JobFile(file["urls"]["https"], file["size"], file["hash"].removeprefix("sha256:"))
            for file in files
            if file["filename"].endswith(".dbn.zst")
        ]

    def download(self, file: JobFile, path: Path) -> None:
        """Write a job's file to `path`; what is there of it already is not fetched again.

        The client's own way of doing this never ends on a full disk, as it takes what it could
        buffer for progress, and has no timeout.
        """
        self._call(self._timeseries, self._download_rest, file, path)

    def _download_rest(self, file: JobFile, path: Path) -> None:
        have = path.stat().st_size if path.exists() else 0
        if have == file.bytes:
            return
        with requests.get(
            file.url,
            auth=(self._key, ""),
            headers={"Range": f"bytes={have}-"} if have < file.bytes else {},
            timeout=(_TIMEOUT_S, _TIMEOUT_S),
            stream=True,
        ) as response:
            check_http_error(response)
            with path.open("ab" if response.status_code == 206 else "wb") as out:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    out.write(chunk)
        if path.stat().st_size != file.bytes:
            raise ConnectionError("the file ended early")

    # --- for money ---------------------------------------------------------------------------

    def stream(self, unit: Unit, path: Path) -> None:
        """Write the unit's DBN to `path`, which must not exist. The vendor bills what it sends.

        That this returns says nothing about whether all has arrived.
        """
        self._attempt(
            self._timeseries,
            self._client.timeseries.get_range,
            **_asked(unit),
            path=path,
        )

    def submit(self, unit: Unit) -> str:
        """Buy the unit as a batch job; the job's id. After an error it may be bought or not."""
        job = self._attempt(
            self._submit_job,
            self._client.batch.submit_job,
            **_asked(unit),
            split_duration="none",
        )
        return str(job["id"])

    # --- warnings ----------------------------------------------------------------------------

    @contextmanager
    def hearing_warnings(self) -> Iterator[None]:
        """Within the block, the vendor's warnings go to `take_warnings`, not to the terminal."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", BentoWarning)
            otherwise = warnings.showwarning

            # The hook runs in the thread of the request, so the thread tells whose warning it is.
            def hear(message: Any, category: type[Warning], *more: Any, **named: Any) -> None:
                if issubclass(category, BentoWarning):
                    self._warnings().append(self._scrubbed(str(message)))
                else:
                    otherwise(message, category, *more, **named)

            warnings.showwarning = hear
            yield

    def take_warnings(self) -> list[str]:
        """This thread's warnings since it last asked."""
        heard = [*self._warnings()]
        self._warnings().clear()
        return heard

    def _warnings(self) -> list[str]:
        heard: list[str] = self._heard.__dict__.setdefault("warnings", [])
        return heard

    # --- calling -----------------------------------------------------------------------------

    def _call(self, limit: RateLimit, function: Callable[..., _T], *args: Any, **named: Any) -> _T:
        for attempt in range(self._pace.attempts - 1):
            try:
                return self._attempt(limit, function, *args, **named)
            except TransientError as error:
                self._pace.back_off(attempt, error.retry_after_s)
        return self._attempt(limit, function, *args, **named)

    def _attempt(
        self, limit: RateLimit, function: Callable[..., _T], *args: Any, **named: Any
    ) -> _T:
        limit.wait()
        try:
            return function(*args, **named)
        except BentoHttpError as error:
            raise self._explained(error) from None
        except _CLIENT_ERRORS as error:
            if is_disk_full(error):
                raise DownloadError(
                    "the disk is full; make room and run again, it goes on from here"
                ) from None
            raise TransientError(
                f"the connection to the vendor failed ({self._scrubbed(str(error))}); run again"
            ) from None

    def _explained(self, error: BentoHttpError) -> DownloadError:
        status = error.http_status
        said = self._scrubbed(_vendor_message(error))
        if status in _REFUSED:
            return RefusedError(f"{_REFUSED[status]} ({status}: {said})")
        if status in _TRANSIENT or status >= 500:
            return TransientError(
                f"the vendor is busy or down ({status}: {said}); run again later",
                _retry_after_s(error),
            )
        return UnprocessableError(
            f"the vendor cannot answer this request ({status}: {said}); check dates and symbols",
            unresolved=status == 422 and "resolve" in said,
        )

    def _scrubbed(self, text: str) -> str:
        """Foreign text in one line, without the key, should it quote it."""
        return " ".join(text.replace(self._key, "<key>").split())


def _asked(unit: Unit) -> dict[str, Any]:
    return {
        "dataset": DATASET,
        "schema": unit.schema,
        "stype_in": unit.stype_in,
        "symbols": unit.symbols,
        "start": iso(unit.start),
        "end": iso(unit.end),
    }


def _same_time(key: str, value: Any) -> Any:
    """A job's start and end in our own notation."""
    if key in ("start", "end") and isinstance(value, str):
        return iso(int(np.datetime64(value.removesuffix("Z").removesuffix("+00:00"), "ns")))
    return value


def _vendor_message(error: BentoHttpError) -> str:
    detail = (error.json_body or {}).get("detail")
    if isinstance(detail, dict):
        return f"{detail.get('case', '')}: {detail.get('message', '')}"
    return str(detail or error.message or "no reason given")


def _retry_after_s(error: BentoHttpError) -> float | None:
    """The header's wait: a number of seconds or an HTTP date."""
    value = error.headers.get("Retry-After")
    if not value:
        return None
    with suppress(ValueError):
        return float(value)
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
