"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from dbn_files import new_york, trades, write

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
    rows = {
        line.split("│")[1].strip(): line.split("│")[2:-1]
        for line in shown.splitlines()
        if "│" in line
    }
    assert [cell.strip() for cell in rows["2025-12-16"]] == ["1,234", *["-"] * 7]
    assert [cell.strip() for cell in rows["2025-12-17"]] == ["0", *["-"] * 7]


def test_a_partly_covered_date_and_a_bad_one_show(source, root, tmp_path, capsys) -> None:
    part = write(tmp_path / "part.dbn", "trades", trades([new_york("2025-12-18 10:00")]))
    main(["import", str(source), str(part)])
    data = root / "futures/trades/root=ES/date=2025-12-17/data.parquet"
    data.write_bytes(b"?")
    capsys.readouterr()
    main(["status"])
    shown = capsys.readouterr().out
    assert "BAD" in next(line for line in shown.splitlines() if "2025-12-17" in line)
    assert "1 *" in next(line for line in shown.splitlines() if "2025-12-18" in line)
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


def test_it_runs_as_a_module(source, root) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "import", str(source)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.dbn.zst: 1,234 rows for futures/trades 2025-12-16 to 2025-12-17 (2)" in done.stdout
