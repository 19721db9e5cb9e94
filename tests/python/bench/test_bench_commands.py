"""The commands that measure: one of them whole, the others on a session that is built already."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import Builds, run_module

from bench import command, compare, folder, ingest, orders, profile, quick, research
from bench.code_lines import code_lines
from bench.measure import Cost
from bench.session import SESSION_DATE, Session

ROWS = "30000"
CANDIDATES = (
    *("scan, DuckDB", "scan, Polars", "models, SQL", "models, dbt run", "dbt build, everything"),
    "Polars script",
)


@pytest.fixture
def cache(
    builds: Builds, bronze: Path, dbn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A cache that holds one session, simulated and built; dbt itself does nothing."""
    shutil.copytree(builds[SESSION_DATE].silver.parent, tmp_path / ROWS)
    (tmp_path / ROWS / "bronze").symlink_to(bronze)
    (tmp_path / ROWS / "dbn").symlink_to(dbn)
    monkeypatch.setattr(command, "build", lambda session: Cost(60.0, 40.0, 10**9))
    monkeypatch.setattr(Session, "dbt", lambda *_: [sys.executable, "-c", "pass"])
    return tmp_path


def test_the_profile_covers_every_model_and_test(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profile.main(["--book-rows", ROWS, "--cache", str(cache), "--top", "3"]) == 0
    nodes = pl.read_parquet(cache / ROWS / "profile.parquet")
    assert {"int_book_cells", "int_event_labels", "publish"} <= set(nodes["node"])
    assert set(nodes["kind"]) == {"model", "test"}
    assert nodes.select(pl.col("cpu_s", "wall_s").is_not_null().all()).row(0) == (True, True)
    book = nodes.row(by_predicate=pl.col("node") == "int_book_span", named=True)
    assert book["read_bytes"] > 0
    assert book["rows_scanned"] > 0
    output = capsys.readouterr().out
    assert f"the 3 of {nodes.height} nodes" in output
    [own] = [line.split() for line in output.splitlines() if "dbt's own" in line]
    assert float(own[-1]) == pytest.approx(40.0 - nodes["cpu_s"].sum(), abs=0.01)


def test_the_comparison_grows_with_the_book(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (cache / "20000").symlink_to(cache / ROWS)
    arguments = ["--repeat", "1", "--cache", str(cache)]
    assert compare.main(["--book-rows", ROWS, "20000", *arguments]) == 0
    output = capfd.readouterr().out
    assert output.count("Polars: columns that agree") == 2
    assert "per million more" in output
    for candidate in CANDIDATES:
        assert output.count(candidate) == 3 + (candidate == "Polars script")


def test_ratios_are_compared_with_those_that_were_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost(cpu_s: float) -> Cost:
        return Cost(1.0, cpu_s, 10**9)

    kept = tmp_path / "ratios.csv"
    monkeypatch.setattr(quick, "RATIOS", kept)
    monkeypatch.setattr(quick, "prepare", lambda *_: (Session(tmp_path), cost(40.0)))
    monkeypatch.setattr(
        quick,
        "in_turns",
        lambda *_: {compare.SCAN: [cost(2.0)], compare.SQL: [cost(6.0), cost(9.0)]},
    )
    quick.keep_ratios(kept, {compare.SCAN: 1.0, compare.SQL: 3.0})
    assert quick.main(["--cache", str(tmp_path), "--keep"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    [models] = [line for line in lines if line[:2] == ["models,", "SQL"]]
    assert models[2:] == ["7.50", "3.75", "3.00", "+25%", "slower"]
    assert quick.read_ratios(kept) == {compare.SCAN: 1.0, compare.SQL: 3.75, compare.BUILD: 20.0}


@pytest.mark.market
def test_the_whole_comparison_of_a_tiny_session(tmp_path: Path) -> None:
    finished = run_module(
        *("bench.compare", "--book-rows", "10000", "--repeat", "1", "--cache", tmp_path)
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Polars: columns that agree" in finished.stdout
    for candidate in CANDIDATES:
        assert candidate in finished.stdout
    lines = [line.split() for line in finished.stdout.splitlines()]
    [models] = [line for line in lines if line[:2] == ["models,", "macros,"]]
    [script] = [line for line in lines if line[:2] == ["Polars", "script"] and len(line) == 3]
    assert int(models[-1]) > int(script[-1]) > 500
    left = {path.name for path in (tmp_path / "10000").iterdir()}
    assert "bronze" in left
    assert "unfinished" not in left


def test_a_comparison_with_other_numbers_fails(
    cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = cache / ROWS / "silver" / "bars_1m" / f"session_date={SESSION_DATE}" / "data.parquet"
    table = pl.read_parquet(path).with_columns(pl.col("volume") + 1)
    path.unlink()
    table.write_parquet(path)
    arguments = ["--repeat", "1", "--cache", str(cache)]
    assert compare.main(["--book-rows", ROWS, *arguments]) == 1
    assert "error: bars_1m: volume: " in capfd.readouterr().err


def test_the_import_beside_the_vendors_parquet(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest.main(["--book-rows", ROWS, "--repeat", "1", "--cache", str(cache)]) == 0
    output = capsys.readouterr().out
    assert "DBNStore.to_parquet" in output
    assert "the same" in output
    assert not (cache / ROWS / "ingest").exists()


def test_a_folder_of_many_files_beside_the_one(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.main(["--book-rows", ROWS, "--repeat", "1", "--cache", str(cache)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = {" ".join(words[:-3]): words[-3] for words in lines if len(words) > 4}
    assert rows[folder.SPLIT] == rows[folder.WHOLE]
    assert not (cache / ROWS / "folder").exists()


def test_records_that_differ_are_found(tmp_path: Path) -> None:
    bronze, vendor = tmp_path / "bronze.parquet", tmp_path / "vendor.parquet"
    ours = pl.DataFrame(
        {"ts_recv": [1, 2], "price": [6_000_250_000_000, None], "side": ["A", "B"], "size": [1, 2]},
        schema_overrides={"size": pl.UInt32},
    )
    ours.write_parquet(bronze)
    theirs = ours.with_columns(
        pl.col("ts_recv").cast(pl.Datetime("ns", "UTC")),
        pl.Series("price", [6000.25, float("nan")]),
    )
    theirs.write_parquet(vendor)
    assert ingest.different_columns(bronze, vendor) == []
    theirs.with_columns(
        pl.Series("price", [6000.25, 6000.25]), pl.Series("side", ["A", "N"]), count=pl.lit(1)
    ).write_parquet(vendor)
    assert ingest.different_columns(bronze, vendor) == ["count", "price", "side"]


def test_lines_of_code_are_neither_blank_nor_comment(tmp_path: Path) -> None:
    python, sql = tmp_path / "a.py", tmp_path / "a.sql"
    python.write_text('"""Two\n\nlines."""\n\nX = 1  # one\n# not this\nY = """\ntext"""\n')
    sql.write_text("{#- Not\n    this. -#}\nselect 1\n\n-- nor this\nfrom t\n")
    assert code_lines([python]) == 3
    assert code_lines([python, sql]) == 5


@pytest.mark.market
@pytest.mark.parametrize("module", [profile, compare, ingest, folder])
def test_a_session_too_small_is_told_in_words(
    module: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module.main(["--book-rows", "5", "--cache", str(tmp_path)]) == 1  # type: ignore[attr-defined]
    assert "--book-rows 5 is too few for a market" in capsys.readouterr().err


@pytest.mark.market
def test_books_of_orders_are_timed_alone_and_with_their_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert orders.main(["--book-rows", "10000", "--repeat", "1", "--cache", str(tmp_path)]) == 0
    output = capfd.readouterr().out
    assert "million messages/s" in output
    for name in ("books alone", "file to Arrow batches"):
        [line] = [line for line in output.splitlines() if name in line]
        assert all(float(number) > 0 for number in line.split()[-2:])


def test_research_is_timed_on_folds_like_golds_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert research.publish_random(tmp_path, sessions=500, events=1) == 45
    monkeypatch.setattr(research, "_fit", lambda *_: Cost(2.0, 1.5, 10**9))
    assert research.main(["--sessions", "53", "--events", "2", "--remembered", "900"]) == 0
    output = capsys.readouterr().out
    assert "53 sessions of 2 events, 1 folds" in output
    [row] = [line.split() for line in output.splitlines() if line.split()[:1] == ["900"]]
    assert float(row[1]) > 0
