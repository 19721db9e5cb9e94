"""The vendor's client behind the few calls a download needs: paced, retried, errors in words.

Every call of the `databento` package is in this module.
"""

from __future__ import annotations

import copy
import json
import math
import reprlib
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import databento as db
from databento.common.error import BentoError
from urllib3.exceptions import HTTPError as BrokenConnectionError

from ingest.download.answers import (
    MISFITS,
    Job,
    JobFile,
    job_id,
    parse_conditions,
    parse_job_files,
    parse_jobs,
    usd,
    whole_number,
)
from ingest.download.errors import (
    DownloadError,
    RefusedError,
    TransientError,
    UnprocessableError,
    is_disk_full,
)
from ingest.download.http import Answer, Http, HttpError
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
# What is raised when an answer does not come through or cannot be read.
_CLIENT_ERRORS = (
    BentoError,
    BrokenConnectionError,
    OSError,  # Among them every error of requests.
    RuntimeError,
    ValueError,
)


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
        base_url = (base_url or self._client.gateway).rstrip("/")
        self._http = Http(key, base_url, pace)
        for part in _API_PARTS:
            api = getattr(self._client, part)
            api._base_url = f"{base_url}/v{db.API_VERSION}/{part}"
            api._get = partial(self._answered, self._http.get)
            api._post = partial(self._answered, self._http.post)
        # Documented under "rate limits" of the historical API.
        self._metadata = RateLimit(20, 1.0, pace)
        self._symbology = RateLimit(100, 1.0, pace)
        self._timeseries = RateLimit(100, 1.0, pace)
        self._list_jobs = RateLimit(20, 1.0, pace)
        self._submit_job = RateLimit(20, 60.0, pace)
        self._told = threading.local()

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
        return self._understood("get_dataset_condition", parse_conditions, days)

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
        return self._understood("resolve", lambda said: any(said["result"].values()), answer)

    def count(self, unit: Unit) -> int:
        """The unit's number of records."""
        call = self._client.metadata.get_record_count
        return self._understood("get_record_count", whole_number, self._asked_of(call, unit))

    def cost_usd(self, unit: Unit) -> float:
        """The unit's price."""
        call = self._client.metadata.get_cost
        return self._understood("get_cost", usd, self._asked_of(call, unit))

    def size(self, unit: Unit) -> int:
        """The unit's billed size, which is that of its records, uncompressed, in bytes."""
        call = self._client.metadata.get_billable_size
        return self._understood("get_billable_size", whole_number, self._asked_of(call, unit))

    def _asked_of(self, call: Callable[..., Any], unit: Unit) -> Any:
        return self._call(self._metadata, call, **_asked(unit))

    def jobs(self) -> list[Job]:
        """The account's batch jobs, expired ones too, oldest first."""
        jobs = self._call(
            self._list_jobs,
            self._client.batch.list_jobs,
            states="queued,processing,done,expired",
        )
        return self._understood("list_jobs", parse_jobs, jobs)

    def job_files(self, job: str) -> list[JobFile]:
        """The data files of a finished job, without those that describe it."""
        files = self._call(self._list_jobs, self._client.batch.list_files, job)
        return self._understood("list_files", parse_job_files, files)

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
        self._http.download(file.url, path, have if have < file.bytes else 0, file.bytes)
        if path.stat().st_size != file.bytes:
            raise ConnectionError("the file ended early")

    # --- for money ---------------------------------------------------------------------------

    def stream(self, unit: Unit, path: Path, most_bytes: int) -> None:
        """Write the unit's DBN to `path`, which must not exist. The vendor bills what it sends.

        That this returns says nothing about whether all has arrived. SlowError and OversizeError
        leave what has.
        """
        timeseries = copy.copy(self._client.timeseries)

        def send(url: str, data: Any, basic_auth: bool, path: Path) -> Answer:
            return self._heard(self._http.stream(url, data, basic_auth, path, most_bytes))

        timeseries._stream = send  # type: ignore[assignment, method-assign]
        self._attempt(self._timeseries, timeseries.get_range, **_asked(unit), path=path)

    def submit(self, unit: Unit) -> str:
        """Buy the unit as a batch job; the job's id. After an error it may be bought or not."""
        job = self._attempt(
            self._submit_job,
            self._client.batch.submit_job,
            **_asked(unit),
            split_duration="none",
        )
        try:
            return self._understood("submit_job", lambda said: job_id(said["id"]), job)
        except DownloadError as error:
            raise TransientError(str(error)) from None  # It may well be bought: look for it.

    # --- warnings ----------------------------------------------------------------------------

    def take_warnings(self) -> list[str]:
        """The vendor's warnings to this thread since it last asked."""
        heard = [*self._warnings()]
        self._warnings().clear()
        return heard

    def _warnings(self) -> list[str]:
        heard: list[str] = self._told.__dict__.setdefault("warnings", [])
        return heard

    def _answered(self, send: Callable[..., Answer], *args: Any, **named: Any) -> Answer:
        return self._heard(send(*args, **named))

    def _heard(self, answer: Answer) -> Answer:
        """The answer, once the warnings that came with it are kept."""
        if text := answer.headers.get("X-Warning"):
            said: Any = text
            with suppress(ValueError, RecursionError):
                said = json.loads(text)
            for one in said if isinstance(said, list) else [said]:
                kind, _, message = str(one).partition(": ")
                message = message if kind.endswith("Warning") else str(one)
                self._warnings().append(self._scrubbed(message))
        return answer

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
        except DownloadError:
            raise
        except HttpError as error:
            raise self._explained(error) from None
        except _CLIENT_ERRORS as error:
            if is_disk_full(error):
                raise DownloadError(
                    "the disk is full; make room and run again, it goes on from here"
                ) from None
            raise TransientError(
                f"the connection to the vendor failed ({self._scrubbed(str(error))}); run again"
            ) from None

    def _explained(self, error: HttpError) -> DownloadError:
        status = error.status
        said = self._scrubbed(_vendor_message(error.body))
        if status in _REFUSED:
            return RefusedError(f"{_REFUSED[status]} ({status}: {said})")
        if status in _TRANSIENT or status >= 500:
            return TransientError(
                f"the vendor is busy or down ({status}: {said}); run again later",
                _retry_after_s(error.headers),
            )
        if status < 400:
            return DownloadError(
                f"the vendor sends this request elsewhere ({status} to"
                f" {self._scrubbed(error.headers.get('Location', 'nowhere'))[:200]}), where the key"
                " does not go; run again later"
            )
        return UnprocessableError(
            f"the vendor cannot answer this request ({status}: {said}); check dates and symbols",
            unresolved=status == 422 and "resolve" in said,
        )

    def _understood(self, what: str, parse: Callable[[Any], _T], answer: Any) -> _T:
        """What an answer says; DownloadError where that cannot be made out."""
        try:
            return parse(answer)
        except MISFITS:
            raise DownloadError(
                f"the vendor's answer to {what} makes no sense"
                f" ({self._scrubbed(reprlib.repr(answer))}); run again later, and tell the vendor"
                " if it stays so"
            ) from None

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


def _vendor_message(body: str) -> str:
    """What an error's body says, in few words."""
    detail: Any = None
    with suppress(ValueError, RecursionError, AttributeError):
        detail = json.loads(body).get("detail")
    if isinstance(detail, dict):
        detail = f"{detail.get('case', '')}: {detail.get('message', '')}"
    return str(detail or body or "no reason given")[:500]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The header's wait: a number of seconds or an HTTP date."""
    value = headers.get("Retry-After")
    if not value:
        return None
    with suppress(ValueError):
        return seconds if math.isfinite(seconds := float(value)) and seconds >= 0 else None
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
