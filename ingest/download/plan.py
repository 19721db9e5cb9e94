"""What to ask the vendor for: the partitions that are wanted, and the units each one is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import PartitionCheck, check_partition
from es_physics.calendar import Calendar, trade_date_interval, utc_date
from ingest.download.windows import ClockWindow, window_ns

DATASET = "GLBX.MDP3"
FUTURES_PARENT = "ES.FUT"
SYMBOLS_PER_REQUEST = 2_000
"""The vendor's limit."""

OPTION_DEFINITIONS = "options/definition"
SCHEMAS = {
    "futures/trades": "trades",
    "futures/mbp10": "mbp-10",
    "futures/definition": "definition",
    OPTION_DEFINITIONS: "definition",
    "options/trades": "trades",
    "options/nbbo": "mbp-1",
    "options/statistics": "statistics",
}
"""The feeds that can be downloaded, in the order of fetching, and the DBN schema of each."""

# A date without a cash session has no events; its trades still enter moving averages.
_WITHOUT_CASH_SESSION = ("futures/trades", "futures/definition")

Conditions = Mapping[date, Mapping[str, Any]]
"""What the vendor says of each UTC date: its `condition` and `last_modified_date`."""


def conditions_within(window: tuple[int, int], conditions: Conditions) -> list[dict[str, Any]]:
    """The vendor's word on each UTC date that [start, end) in ns touches, where it has one."""
    days = {utc_date(window[0]), utc_date(window[1] - 1)}
    return [{"date": str(day), **conditions[day]} for day in sorted(days & conditions.keys())]


def iso(ts_ns: int) -> str:
    """An epoch timestamp as the vendor reads it: ISO 8601, UTC by its Z, with nanoseconds."""
    return f"{np.datetime64(ts_ns, 'ns')}Z"


@dataclass(frozen=True)
class Unit:
    """One request to the vendor: a feed, a trade date, symbols, and [start, end) in epoch ns."""

    feed: str
    day: date
    schema: str
    stype_in: str
    symbols: tuple[str, ...]
    start: int
    end: int

    @cached_property
    def key(self) -> str:
        """The unit's identity: equal for the same request in every run."""
        text = json.dumps(self.described(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def described(self) -> dict[str, Any]:
        """The request as manifests and the ledger keep it."""
        return {
            "dataset": DATASET,
            "schema": self.schema,
            "stype_in": self.stype_in,
            "symbols": list(self.symbols),
            "start": iso(self.start),
            "end": iso(self.end),
        }

    def since(self, start: int) -> Unit:
        """The same request from a later time on."""
        return replace(self, start=start)

    def until(self, end: int) -> Unit:
        """The same request up to an earlier time."""
        return replace(self, end=end)

    @property
    def window(self) -> tuple[int, int]:
        """[start, end) in epoch nanoseconds."""
        return self.start, self.end

    def __str__(self) -> str:
        return f"{self.feed} {self.day}"


@dataclass(frozen=True)
class Target:
    """A partition to be filled: its feed, trade date, and the [start, end) to ask for in ns.

    schema:  the DBN schema to fill it with.
    replace: it is there, and is to be fetched anew.
    """

    feed: str
    day: date
    schema: str
    window: tuple[int, int]
    replace: bool = False

    def units(self, stype_in: str, symbols: Sequence[str]) -> list[Unit]:
        """The requests for these symbols, each of at most `SYMBOLS_PER_REQUEST`."""
        step = SYMBOLS_PER_REQUEST
        chunks = [tuple(symbols[at : at + step]) for at in range(0, len(symbols), step)]
        return [
            Unit(self.feed, self.day, self.schema, stype_in, chunk, *self.window)
            for chunk in chunks
        ]

    def __str__(self) -> str:
        return f"{self.feed} {self.day}"


@dataclass
class Survey:
    """What is wanted (`targets`), what is there (`present`), and what a person should know.

    offers:      partitions that could be fetched anew, and why: one line each.
    unavailable: partitions that the vendor does not have yet or any more: one line each.
    """

    targets: list[Target] = field(default_factory=list)
    present: int = 0
    offers: list[str] = field(default_factory=list)
    unavailable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """What the command asks for.

    warmup_days: trade dates before `start` of which the futures trades are wanted too.
    schemas:     of each feed that is wanted.
    refetch:     fetch anew what `Survey.offers` would list.
    """

    start: date
    end: date
    schemas: Mapping[str, str]
    windows: Mapping[str, ClockWindow | None]
    warmup_days: int
    refetch: bool = False

    def partitions(self, calendar: Calendar) -> list[Target]:
        """Every partition the wish is about, by trade date and feed."""
        days = calendar.between(self.start, self.end)
        warmup = calendar.warm_up(days[0], self.warmup_days) if days else []
        feeds: dict[date, Collection[str]] = {
            day: ("futures/trades",) if day in warmup else self._feeds_of(day, calendar)
            for day in (*warmup, *days)
        }
        return [
            Target(feed, day, schema, window_ns(day, self.windows.get(feed), calendar.close(day)))
            for day in feeds
            for feed, schema in self.schemas.items()
            if feed in feeds[day]
        ]

    def _feeds_of(self, day: date, calendar: Calendar) -> Collection[str]:
        return self.schemas if calendar.has_session(day) else _WITHOUT_CASH_SESSION


def survey(
    wanted: Sequence[Target],
    bronze_root: Path,
    conditions: Conditions,
    now_ns: int,
    *,
    refetch: bool = False,
) -> Survey:
    """Compare what is wanted with what Bronze holds and the vendor has."""
    result = Survey()
    for target in wanted:
        check = check_partition(
            bronze_root, FEED_BY_PATH[target.feed], target.day, hash_files=False
        )
        reason = _reason_to_replace(check, target, conditions) if check.status == "ok" else None
        if check.status == "ok" and reason is None:
            result.present += 1
        elif reason is not None and not refetch:
            result.present += 1
            result.offers.append(f"{target} {reason}")
        elif problem := _unavailable(target, conditions, now_ns):
            result.unavailable.append(f"{target} {problem}")
        else:
            result.targets.append(replace(target, replace=reason is not None))
    return result


def _reason_to_replace(check: PartitionCheck, target: Target, conditions: Conditions) -> str | None:
    recorded = check.manifest.get("dataset_condition") or []
    bad = [day for day in recorded if day["condition"] != "available"]
    current = conditions_within(target.window, conditions)
    if bad and current and current != recorded:
        return f"was {bad[0]['condition']} ({bad[0]['date']}) and has been repaired since"
    spans = check.manifest.get("coverage")
    start, end = target.window
    if spans and not any(span[0] <= start and end <= span[1] for span in spans):
        return "covers a part of what is asked for only"
    return None


def _unavailable(target: Target, conditions: Conditions, now_ns: int) -> str | None:
    if trade_date_interval(target.day)[1] > now_ns:
        return "is not over yet; run again the day after"
    for day in conditions_within(target.window, conditions):
        if day["condition"] == "pending":
            return f"is pending at the vendor ({day['date']}); run again later"
        if day["condition"] == "missing":
            return f"is missing at the vendor ({day['date']}); there is nothing to download"
    return None
