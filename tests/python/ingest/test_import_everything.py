"""All that a vendor account gives, in one folder and at once, lands as its plain files would."""

from __future__ import annotations

import io
import json
import shutil
import threading
import zipfile
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import databento as db
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from dbn_files import manifest, partition, records, trades, tree, write

from bench.folder import split
from es_physics.calendar import default_calendar, utc_midnight_ns
from ingest.cli import main
from ingest.dbn import read_metadata, record_dtype
from ingest.importer import import_paths
from ingest.simulate.market import Market

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

A, B = "2025-12-15", "2025-12-16"
ROWS = 6_000


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated vendor's files of two trade dates: one per schema and date."""
    folder = tmp_path_factory.mktemp("plain")
    market = Market(7, ROWS, default_calendar().days, orders=True)
    for day in (A, B):
        market.write(date.fromisoformat(day), folder)
    return folder


def read(path: Path) -> tuple[Any, Any]:
    data = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    about, header = read_metadata(io.BytesIO(data))
    return about, np.frombuffer(data, record_dtype(str(about.schema), about.version), offset=header)


def pieces(path: Path, cuts: list[int], folder: Path) -> None:
    """A file as a batch job splits it by duration: each piece is of its own window."""
    about, rows = read(path)
    ids = {int(one["symbol"]): name for name, of in about.mappings.items() for one in of}
    bounds = [about.start, *cuts, about.end]
    for number, (start, end) in enumerate(pairwise(bounds)):
        here = rows[(rows["ts_recv"] >= start) & (rows["ts_recv"] < end)]
        window = {"start": start, "end": end, "ids": ids, "symbols": tuple(about.symbols)}
        write(folder / f"piece{number}.{about.schema}.dbn.zst", str(about.schema), here, **window)


def support(folder: Path) -> None:
    """What the vendor puts beside its data."""
    files = [
        {"filename": path.name, "size": path.stat().st_size, "hash": "sha256:" + "0" * 64}
        for path in folder.glob("nothing")
    ]
    texts = {
        "manifest.json": json.dumps({"job_id": folder.name, "files": files}),
        "metadata.json": "{}",
        "symbology.json": "{}",
        "symbology.csv": "raw_symbol,instrument_id\n",
        "condition.json": json.dumps(
            [{"date": B, "condition": "degraded", "last_modified_date": None}]
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def others(folder: Path) -> None:
    """Files of other products, datasets and schemas."""
    times = utc_midnight_ns(date.fromisoformat(B)) + 15 * 3600 * 10**9 + 10**9 * np.arange(5)
    nasdaq = {"symbols": ("NQ.FUT",), "ids": {5602: "NQZ5"}}
    gold = {"symbols": ("OG.OPT",), "ids": {5602: "OGF6 P4000"}}
    equity = {"symbols": ("SPY.OPT",), "ids": {5602: "SPY   251216C00680000"}}
    write(folder / "nq.trades.dbn.zst", "trades", trades(times), **nasdaq)
    write(folder / "gold.mbp-1.dbn.zst", "mbp-1", records("mbp-1", times), **gold)
    write(folder / "opra.dbn", "trades", trades(times), dataset="OPRA.PILLAR", **equity)
    write(folder / "bars.ohlcv-1s.dbn.zst", "ohlcv-1s", records("ohlcv-1s", times))


def vendor_folder(plain: Path, folder: Path) -> None:
    """The plain files again, as people have them."""
    trades_job = folder / "GLBX-20251220-TRADES"
    abouts, parts = zip(
        *(read(plain / f"ES.FUT.trades.{day}.dbn.zst") for day in (A, B)), strict=True
    )
    ids = {
        int(one["symbol"]): name
        for about in abouts
        for name, of in about.mappings.items()
        for one in of
    }
    window = {"start": abouts[0].start, "end": abouts[1].end, "ids": ids}
    two_days = "glbx-mdp3-20251214-20251216.trades.dbn.zst"
    write(trades_job / two_days, "trades", np.concatenate(parts), **window)
    shutil.copy(trades_job / two_days, folder / "copy of trades (1).dbn.zst")
    support(trades_job)
    book_job = folder / "GLBX-20251220-BOOK"
    pieces(plain / f"ES.FUT.mbp-10.{A}.dbn.zst", [utc_midnight_ns(date.fromisoformat(A))], book_job)
    support(book_job)
    for day in (A, B):  # Of the first date the book is there.
        shutil.copy(plain / f"ES.FUT.mbo.{day}.dbn.zst", folder)
    quotes = folder / "GLBX-20251220-QUOTES"
    split(plain / f"ES-options.mbp-1.{A}.dbn.zst", quotes)
    about, rows = read(plain / f"ES-options.mbp-1.{B}.dbn.zst")
    (folder / "quotes.dbn").write_bytes(about.encode() + rows.tobytes())
    with zipfile.ZipFile(folder / "GLBX-20251220-CHAIN.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for day in (A, B):
            for schema in ("trades", "definition"):
                name = f"ES-options.{schema}.{day}.dbn.zst"
                archive.write(plain / name, f"GLBX-20251220-CHAIN/{name}")
        archive.writestr("GLBX-20251220-CHAIN/condition.json", "[]")
    for day in (A, B):
        definitions = db.DBNStore.from_file(plain / f"ES.FUT.definition.{day}.dbn.zst")
        definitions.to_csv(folder / f"definitions.{day}.csv")
        statistics = db.DBNStore.from_file(plain / f"ES-options.statistics.{day}.dbn.zst")
        statistics.to_parquet(folder / f"statistics.{day}.parquet")
        shutil.copy(plain / f"SPX.{day}.parquet", folder)
    quote_rows = records("tbbo", parts[1]["ts_recv"][:50], action=b"T", side=b"B", price=10**12)
    quote_rows["instrument_id"] = next(iter(ids))
    write(folder / "asked.tbbo.dbn.zst", "tbbo", quote_rows, **window)
    others(folder)
    (folder / "next.dbn.zst.part").write_bytes(b"\x28\xb5")
    (folder / "notes.txt").write_text("words")


def by_instrument(bronze: Path) -> pa.Table:
    quotes = partition(bronze, "options/nbbo", A)
    return quotes.sort_by([("instrument_id", "ascending"), ("row_nr", "ascending")]).drop_columns(
        "row_nr"
    )


def test_everything_at_once(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [
        path
        for path in plain.iterdir()
        if ".mbo." not in path.name and path.name != f"ES.FUT.mbp-10.{B}.dbn.zst"
    ]
    wanted.append(plain / f"ES.FUT.mbo.{B}.dbn.zst")
    assert import_paths(wanted, tmp_path / "expected", report=lambda _: None).errors == []

    folder = tmp_path / "vendor"
    folder.mkdir()
    vendor_folder(plain, folder)
    assert main(["import", str(folder), "--bronze-root", str(tmp_path / "b")]) == 0
    printed = capsys.readouterr()
    print(printed.out.replace(f"{folder}/", ""), printed.err.replace(f"{folder}/", ""), sep="\n")

    found, expected = (
        {at: data for at, data in tree(tmp_path / root).items() if "manifest" not in at}
        for root in ("b", "expected")
    )
    assert found.keys() == expected.keys()
    # Of records of one moment a file per instrument does not say which came first.
    split_up = f"options/nbbo/root=ES/date={A}/data.parquet"
    assert [at for at in expected if found[at] != expected[at]] in ([], [split_up])
    assert by_instrument(tmp_path / "b").equals(by_instrument(tmp_path / "expected"))
    assert {manifest(tmp_path / "b", "futures/mbp10", day)["made_from"] for day in (A, B)} == {
        "mbp-10",
        "mbo",
    }
    left_out = [line for line in printed.out.splitlines() if line.startswith("left out: ")]
    for name, why in {
        "nq.trades.dbn.zst": "'NQ.FUT', not ES",
        "gold.mbp-1.dbn.zst": "'OG.OPT', not ES",
        "opra.dbn": "OPRA.PILLAR, and the models use GLBX.MDP3 only",
        "bars.ohlcv-1s.dbn.zst": "schema ohlcv-1s, which the models do not use",
        "next.dbn.zst.part": "an unfinished download",
        "notes.txt": "not a kind of file that holds market data",
    }.items():
        assert [line for line in left_out if name in line and why in line], (name, left_out)
    assert "is the same file as" in printed.err
    assert "its data is degraded, the vendor says" in printed.err
    assert main(["import", str(folder), "--bronze-root", str(tmp_path / "b")]) == 0
    assert "0 partitions written" in capsys.readouterr().out


def test_files_read_at_a_time_change_neither_a_byte_nor_a_line(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    vendor_folder(plain, folder)
    whole = (plain / f"ES.FUT.trades.{B}.dbn.zst").read_bytes()
    (folder / "cut.trades.dbn.zst").write_bytes(whole[: len(whole) // 2])
    given = ["import", str(folder), "--force", "--bronze-root", str(tmp_path / "b")]
    runs = []
    for workers in ("1", "5"):
        code = main([*given, "--workers", workers])
        printed = capsys.readouterr()
        said = [line for line in printed.out.splitlines() if "partitions written" not in line]
        landed = {at: data for at, data in tree(tmp_path / "b").items() if "manifest" not in at}
        runs.append((code, said, printed.err, landed))
        shutil.rmtree(tmp_path / "b")
    assert runs[0][0] == 1
    assert "cut.trades.dbn.zst: is truncated" in runs[0][2]
    assert runs[1] == runs[0]


def test_an_interrupt_ends_all_files_that_are_being_read(plain: Path, tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt(line)

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt, match="rows for"):
        import_paths([plain], tmp_path / "b", report=interrupt, workers=3)
    assert set(threading.enumerate()) <= before
    assert tree(tmp_path / "b") == {}
