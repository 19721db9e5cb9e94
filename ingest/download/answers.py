"""What the vendor's answers say, taken from their JSON with nothing about it believed.

The functions raise one of `MISFITS` for an answer that is not built as it should be.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from ingest.download.plan import Conditions, Unit, iso

MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_MOST_USD = 1e9
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class Job:
    """A batch job of the account: its id, state, and the request it was bought for."""

    id: str
    state: str
    request: dict[str, Any]

    def answers(self, unit: Unit) -> bool:
        """Whether the job is of exactly this unit, as one compressed DBN file."""
        symbols = self.request.get("symbols")
        symbols = symbols.split(",") if isinstance(symbols, str) else symbols
        if not isinstance(symbols, list) or {*map(str, symbols)} != {*unit.symbols}:
            return False
        asked = unit.described()
        del asked["symbols"]
        how = {"encoding": "dbn", "compression": "zstd", "split_duration": "none", "limit": None}
        return all(self.request.get(key) == value for key, value in asked.items()) and all(
            self.request.get(key, value) == value for key, value in how.items()
        )


@dataclass(frozen=True)
class JobFile:
    """The data file of a finished job."""

    url: str
    bytes: int
    sha256: str


def whole_number(answer: Any) -> int:
    """A number of things."""
    if isinstance(answer, bool) or not 0 <= answer < 2**53 or answer != int(answer):
        raise ValueError(answer)
    return int(answer)


def usd(answer: Any) -> float:
    """An amount to be paid: finite, and not below 0."""
    if isinstance(answer, bool) or not 0 <= answer <= _MOST_USD:
        raise ValueError(answer)
    return float(answer)


def parse_conditions(days: Any) -> Conditions:
    """By UTC date, the vendor's word on its data."""
    return {
        date.fromisoformat(day["date"]): {
            "condition": _text(day["condition"]),
            "last_modified_date": day.get("last_modified_date"),
        }
        for day in _list(days)
    }


def job_id(answer: Any) -> str:
    """A job's id, which becomes part of a file's name."""
    if not _JOB_ID.fullmatch(answer):
        raise ValueError(answer)
    return str(answer)


def parse_jobs(jobs: Any) -> list[Job]:
    """An account's batch jobs."""
    return [
        Job(
            job_id(job["id"]),
            _text(job["state"]),
            {key: _same_time(key, value) for key, value in job.items()},
        )
        for job in _list(jobs)
    ]


def parse_job_files(files: Any) -> list[JobFile]:
    """A job's data files."""
    return [
        JobFile(_text(file["urls"]["https"]), whole_number(file["size"]), _sha256(file["hash"]))
        for file in _list(files)
        if file["filename"].endswith(".dbn.zst")
    ]


def _sha256(answer: Any) -> str:
    if not (match := _SHA256.fullmatch(answer)):
        raise ValueError(answer)
    return match[1]


def _list(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError(answer)
    return answer


def _text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise TypeError(answer)
    return answer


def _same_time(key: str, value: Any) -> Any:
    """A job's start and end in our own notation, where they are times."""
    if key in ("start", "end") and isinstance(value, str):
        with suppress(ValueError):
            return iso(int(np.datetime64(value.removesuffix("Z").removesuffix("+00:00"), "ns")))
    return value
