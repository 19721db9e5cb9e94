"""What a session's build would read, told without a build: the inputs of its commit record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEEDS, Feed
from es_physics.bronze.partitions import PartitionCheck, check_partition
from es_physics.calendar import default_calendar
from es_physics.project import project_vars
from es_physics.silver.fingerprint import code_version, package_versions

TRADES = "futures/trades"


class SessionInputs:
    """The inputs of any session of one project, Bronze root and set of vars.

    `overrides` are the vars given on the command line. Raises UsageError if one is unknown.
    """

    def __init__(self, bronze_root: Path, overrides: Mapping[str, Any]) -> None:
        self._bronze_root = bronze_root
        self.vars = project_vars(overrides)
        self.code_version = code_version()
        self.packages = package_versions()
        self._checks: dict[tuple[str, date], PartitionCheck] = {}

    def partitions(self, session_date: date) -> list[tuple[Feed, date]]:
        """The partitions that the session reads: its own, and the trades that warm up its averages.

        In the order of the commit record; the `attach_bronze` macro attaches the same.
        """
        warmup = default_calendar().warm_up(session_date, int(self.vars["sma_warmup_days"]))
        return [
            (feed, trade_date)
            for feed in sorted(FEEDS, key=lambda feed: feed.path)
            for trade_date in (*(warmup if feed.path == TRADES else ()), session_date)
        ]

    def checks(self, session_date: date) -> dict[tuple[str, date], PartitionCheck]:
        """The state of each of them by its manifest, listing and sizes, without hashing content."""
        for feed, trade_date in self.partitions(session_date):
            if (feed.path, trade_date) not in self._checks:
                self._checks[feed.path, trade_date] = check_partition(
                    self._bronze_root, feed, trade_date, hash_files=False
                )
        return {
            (feed.path, trade_date): self._checks[feed.path, trade_date]
            for feed, trade_date in self.partitions(session_date)
        }

    def inputs(self, session_date: date) -> dict[str, Any]:
        """What the commit record's `inputs` would be."""
        bronze = [
            {
                "feed": feed,
                "trade_date": trade_date.isoformat(),
                "status": check.status,
                "sha256": check.sha256,
            }
            for (feed, trade_date), check in self.checks(session_date).items()
        ]
        inputs = {
            "bronze": bronze,
            "code_version": self.code_version,
            "packages": self.packages,
            "vars": self.vars,
        }
        return json.loads(json.dumps(inputs))

    def difference(self, session_date: date, built: Mapping[str, Any]) -> str | None:
        """What changed since the build whose record says `built`, in words; None if nothing."""
        now = self.inputs(session_date)
        then_bronze = {(row["feed"], row["trade_date"]): row for row in built.get("bronze", [])}
        for row in now["bronze"]:
            if then_bronze.pop((row["feed"], row["trade_date"]), None) != row:
                return f"Bronze {row['feed']} of {row['trade_date']} changed"
        if then_bronze:
            return "it was built from other partitions"
        for key, words in (("vars", "var"), ("packages", "package")):
            names = {*now[key], *built.get(key, {})}
            for name in sorted(names):
                if now[key].get(name) != built.get(key, {}).get(name):
                    return f"{words} {name} changed"
        return None if now["code_version"] == built.get("code_version") else "the code changed"
