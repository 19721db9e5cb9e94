"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from dbn_files import new_york, trades, write
from rich.console import Console

from es_physics.bronze.feeds import FEEDS
from ingest import status
from ingest.cli import main

T0 = new_york("2025-12-16 09:30")


@pytest.fixture
def source(tmp_path):
    window = {"start": new_york("2025-12-15 18:00"), "end": new_york("2025-12-17 17:00")}
    return write(tmp_path / "in" / "a.dbn.zst", "trades", trades(T0 + np.arange(1234)), **window)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("ES_BRONZE_ROOT", str(tmp_path / "b"))
    return tmp_path / "b"


def test_import_verify_and_status(source, root, capsys) -> None:
    assert main(["import", str(source.parent)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "2 partitions written (1,234 rows), 0 up to date, 0 failed" in printed.out

    assert main(["verify"]) == 0
    assert "2 good, 0 bad" in capsys.readouterr().out

    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    assert _row(shown, "2025-12-16") == ["1,234", *["-"] * (len(FEEDS) - 1)]
    assert _row(shown, "2025-12-17") == ["0", *["-"] * (len(FEEDS) - 1)]


def _row(shown: str, trade_date: str) -> list[str]:
    """The cells of a date; AssertionError if one of them, or the date, was cut."""
    assert "…" not in shown
    [line] = [line for line in shown.splitlines() if trade_date in line]
    return line.split()[1:]


@pytest.mark.parametrize(
    ("width", "cells"),
    [
        (200, ["23,456,789", "999,999", "0", "12,345*", "1,000", "-", "BAD", "23,400?"]),
        (80, ["23M", "1.0M", "0", "12k*", "1.0k", "-", "BAD", "23k?"]),
    ],
)
def test_a_terminal_is_told_every_date_feed_and_status(
    width: int, cells: list[str], tmp_path, monkeypatch
) -> None:
    counts = (23_456_789, 999_999, 0, 12_345, 1_000, 0, 5, 23_400)
    statuses = (*["ok"] * 5, "missing", "invalid", "ok")
    whole = (True, True, True, False, True, None, None, None)
    rows = [
        {"trade_date": date(2025, 12, day), "rows": n, "status": state, "covers_trade_date": all_}
        for day in (15, 16)
        for n, state, all_ in zip(counts, statuses, whole, strict=True)
    ]
    monkeypatch.setattr(status, "status_rows", lambda _: rows)
    terminal = Console(width=width, file=io.StringIO())
    terminal.print(status.status_table(tmp_path, width))
    shown = terminal.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert _row(shown, "2025-12-15") == _row(shown, "2025-12-16") == cells
    for group, name in (feed.path.split("/") for feed in FEEDS):
        assert group in shown
        assert (status.SHORT.get(name, name) if width == 80 else name) in shown
    for said in ("never asked", "part of the trade date", "not known for which"):
        assert said in " ".join(shown.split())


def test_a_partly_covered_date_and_a_bad_one_show(source, root, tmp_path, capsys) -> None:
    part = write(tmp_path / "part.dbn", "trades", trades([new_york("2025-12-18 10:00")]))
    main(["import", str(source), str(part)])
    data = root / "futures/trades/root=ES/date=2025-12-17/data.parquet"
    data.write_bytes(b"?")
    capsys.readouterr()
    main(["status"])
    shown = capsys.readouterr().out
    assert "BAD" in next(line for line in shown.splitlines() if "2025-12-17" in line)
    assert "1*" in next(line for line in shown.splitlines() if "2025-12-18" in line)
    assert main(["verify"]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "futures/trades 2025-12-17" in printed.err


def test_each_bad_file_is_one_line_on_stderr(source, root, tmp_path, capsys) -> None:
    (tmp_path / "bad.dbn").write_bytes(b"")
    assert main(["import", str(source), str(tmp_path / "bad.dbn")]) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        f"error: {tmp_path / 'bad.dbn'}: is an empty file (0 bytes); download it again\n"
    )
    assert "1 errors" in printed.out


def test_the_root_can_be_given(source, root, tmp_path) -> None:
    main(["import", str(source), "--bronze-root", str(tmp_path / "elsewhere")])
    assert (tmp_path / "elsewhere/futures/trades").is_dir()
    assert not root.exists()


@pytest.mark.parametrize("arguments", [[], ["import"], ["import", "x", "--nonsense"], ["sing"]])
def test_wrong_usage_is_exit_code_two(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2


def test_interrupted_is_exit_code_130(source, root, monkeypatch, capsys) -> None:
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.landing.write_manifest", interrupt)
    assert main(["import", str(source)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(root.iterdir()) == []


def test_it_runs_as_a_module_without_pandas(source, root) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ingest", "import", str(source)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    imports = done.stderr.splitlines()
    assert done.returncode == 0
    assert [line for line in imports if not line.startswith("import time:")] == []
    assert "pandas._libs" not in done.stderr
    assert "a.dbn.zst: 1,234 rows for futures/trades 2025-12-16 to 2025-12-17 (2)" in done.stdout
