"""`python -m ingest simulate`: what it writes, lands, skips and refuses."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.cli import main


def simulate(folder: Path, *arguments: str) -> int:
    roots = ["--bronze-root", str(folder / "bronze"), "--dbn-dir", str(folder / "dbn")]
    return main(["simulate", *roots, *arguments])


def test_a_range_lands_in_bronze_and_again_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dates = ("--start", "2025-11-27", "--end", "2025-11-29", "--scale", "tiny")
    assert simulate(tmp_path, *dates) == 0
    assert "2025-11-29 is no trade date: skipped" in capsys.readouterr().out
    partitions = sorted(
        path.relative_to(tmp_path / "bronze").as_posix()
        for path in (tmp_path / "bronze").rglob("date=*")
    )
    assert partitions == [
        f"{feed}/date={day}"
        for feed, day in (
            ("futures/definition/root=ES", "2025-11-27"),
            ("futures/definition/root=ES", "2025-11-28"),
            ("futures/mbp10/root=ES", "2025-11-27"),
            ("futures/mbp10/root=ES", "2025-11-28"),
            ("futures/trades/root=ES", "2025-11-27"),
            ("futures/trades/root=ES", "2025-11-28"),
            ("index/spx", "2025-11-28"),
            ("options/definition/root=ES", "2025-11-28"),
            ("options/nbbo/root=ES", "2025-11-28"),
            ("options/statistics/root=ES", "2025-11-28"),
            ("options/trades/root=ES", "2025-11-28"),
        )
    ]
    folder = tmp_path / "bronze/futures/trades/root=ES/date=2025-11-28"
    trades = pq.read_table(next(folder.glob("*.parquet")), partitioning=None)
    assert set(trades["symbol"].to_pylist()) == {"ESZ5", "ESH6", "ESZ5-ESH6"}
    assert simulate(tmp_path, *dates) == 0
    assert "0 partitions written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--start", "2025-12-16", "--end", "2025-12-15"), "--start 2025-12-16 is after"),
        (("--start", "2025-12-13", "--end", "2025-12-14"), "No trade date from 2025-12-13"),
        (("--book-rows", "10"), "--book-rows 10 is too few"),
        (("--seed", "-1"), "--seed -1 is negative"),
        (("--spx-lag-ms", "0"), "--spx-lag-ms 0 is out of reach. Give 5 to 60000"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert simulate(tmp_path, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert not (tmp_path / "bronze").exists()


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dbn").write_text("a file, not a folder")
    assert simulate(tmp_path, "--end", "2025-12-10", "--scale", "tiny") == 1
    assert str(tmp_path / "dbn") in capsys.readouterr().err
