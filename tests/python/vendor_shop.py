"""Running `download` against the loopback vendor."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from vendor_market import DAY, Stock
from vendor_server import KEY, VendorServer

from es_physics.console import run_command
from ingest.download.cli import add_arguments, run
from ingest.download.pace import Pace


class FakeTime:
    """A clock that only sleeping moves; `slept` are all the sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)

    def clock(self) -> float:
        return self.now


@dataclass(frozen=True)
class Finished:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Shop:
    """The vendor's server, and a customer with a Bronze root and a folder of raw files."""

    def __init__(
        self, stock: Stock, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        self.server = VendorServer(stock)
        self.home, self.bronze, self.raw = home, home / "bronze", home / "raw"
        self.time = FakeTime()
        self._capsys = capsys
        monkeypatch.setenv("ES_DATABENTO_URL", self.server.url)
        monkeypatch.setenv("DATABENTO_API_KEY", KEY)
        monkeypatch.delenv("ES_DOWNLOAD_WINDOWS", raising=False)

    def arguments(self, *more: str, day: str = str(DAY), yes: bool = True) -> list[str]:
        """The command's arguments for one date."""
        folders = ["--bronze-root", str(self.bronze), "--raw-dir", str(self.raw)]
        return ["--start", day, "--end", day, *folders, *more, *(["--yes"] * yes)]

    def download(
        self, *more: str, attempts: int = 6, grace_s: float = 100.0, **options: Any
    ) -> Finished:
        """Run the command in this process, without waiting in earnest."""
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        pace = Pace(
            attempts=attempts,
            job_wait_s=60.0,
            grace_s=grace_s,
            sleep=self.time.sleep,
            clock=self.time.clock,
        )
        self._capsys.readouterr()
        given = parser.parse_args(self.arguments(*more, **options))
        code = run_command(partial(run, pace=pace), given, "")
        printed = self._capsys.readouterr()
        return Finished(code, printed.out, printed.err)

    def start(self, *more: str, **options: Any) -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "ingest", "download", *self.arguments(*more, **options)],
            cwd=self.home,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ledger(self, event: str) -> list[dict[str, Any]]:
        """The ledger's entries of that event."""
        lines = (self.raw / "ledger.jsonl").read_text().splitlines()
        return [entry for line in lines if (entry := json.loads(line))["event"] == event]
