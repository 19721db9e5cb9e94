"""A bad file costs one clear line, an exit code, and no good data."""

from __future__ import annotations

from datetime import date

import databento_dbn as dbn
import numpy as np
import pytest
import zstandard
from dbn_files import (
    Interval,
    Mapping,
    definitions,
    encode,
    metadata,
    new_york,
    partition_names,
    trades,
    tree,
    write,
)

from ingest.importer import import_paths

T0 = new_york("2025-12-16 09:30")
# More than the 128 KB of a zstd block, so that damage near the end leaves the metadata readable.
TIMES = T0 + 10**9 * np.arange(5000)
ROWS = trades(TIMES)
ROWS["sequence"] = np.random.default_rng(1).integers(0, 2**31, 5000)
OTHER_DAY = new_york("2025-12-17 09:30") + 10**9 * np.arange(10)


def quiet(paths, root, **options):
    return import_paths(paths, root, report=lambda _: None, **options)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def with_header(name: str, value: int) -> bytes:
    rows = ROWS.copy()
    rows[name][1234] = value
    return encode("trades", rows, start=T0, end=T0 + 3600 * 10**9)


def unknown_id() -> bytes:
    rows = ROWS.copy()
    rows["instrument_id"][7] = 99
    return encode("trades", rows, start=T0, end=T0 + 3600 * 10**9)


def continuous() -> bytes:
    mapping = Mapping("ES.c.0", [Interval(date(2025, 12, 1), date(2025, 12, 30), "5602")])
    about = {"symbols": ("ES.c.0",), "stype_in": dbn.SType.CONTINUOUS, "mappings": [mapping]}
    return encode("trades", ROWS, **about)


def mapping_ends_the_day_before() -> bytes:
    mapping = Mapping("ESZ5", [Interval(date(2025, 12, 1), date(2025, 12, 16), "5602")])
    return encode("trades", ROWS, mappings=[mapping])


def two_names_for_an_instrument() -> bytes:
    interval = Interval(date(2025, 12, 1), date(2025, 12, 30), "5602")
    mappings = [Mapping("ESZ5", [interval]), Mapping("NQZ5", [interval])]
    return encode("trades", ROWS, mappings=mappings)


ZSTD = encode("trades", ROWS)
RAW = encode("trades", ROWS, zstd=False)
METADATA_BYTES = len(RAW) - ROWS.nbytes
NO_TIME = with_header("ts_recv", 2**64 - 1)

# The file, what its line must say, and whether it holds back the good file of its date.
BAD_FILES = {
    "no dataset": (
        encode("trades", ROWS, dataset="glbx.mdp3"),
        "corrupt: 'glbx.mdp3' is no dataset of the vendor's",
        False,
    ),
    "two names for an instrument": (
        two_names_for_an_instrument(),
        "corrupt: it calls instrument 5602 both 'ESZ5' and 'NQZ5' on one date",
        False,
    ),
    "frame not ended": (ZSTD[:-700], "truncated", True),
    "last byte missing": (ZSTD[:-1], "truncated", True),
    "frame not begun": (ZSTD[:9], "truncated within its metadata", False),
    "half a record": (RAW[:-20], "truncated: 28 bytes of a 48-byte trades record after 4999", True),
    "half the metadata": (RAW[:60], "truncated within its metadata", False),
    "five bytes": (RAW[:5], "truncated within its metadata", False),
    "a flipped byte": (flipped(ZSTD, len(ZSTD) - 2000), "corrupt", True),
    "a flipped checksum": (flipped(ZSTD, len(ZSTD) - 1), "corrupt", True),
    "damaged metadata": (flipped(RAW, 24), "corrupt: metadata unreadable", False),
    "metadata of 4 GB": (RAW[:4] + b"\xff" * 4 + RAW[8:], "corrupt: metadata of", False),
    "version 9": (RAW[:3] + b"\x09" + RAW[4:], "DBN version 9", False),
    "empty file": (b"", "empty file (0 bytes)", False),
    "garbage": (b"\x00garbage" * 50, "neither DBN", False),
    "zstd of something else": (zstandard.compress(b"not DBN" * 99), "is not DBN", False),
    "record of another type": (with_header("rtype", 1), "corrupt: record 1234 has type 1", True),
    "record of another length": (with_header("length", 20), "corrupt: record 1234", True),
    "no ts_recv": (NO_TIME, "corrupt: record 1234 has ts_recv -1", True),
    "unmapped id": (unknown_id(), "unmapped symbol: instrument 99 on 2025-12-16", True),
    "mapped to a rule": (continuous(), "'ES.c.0', which is no raw symbol", True),
    "mapped too early": (mapping_ends_the_day_before(), "unmapped symbol: instrument 5602", True),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_one_line_and_nothing_half_written(tmp_path, name: str) -> None:
    content, said, holds_back = BAD_FILES[name]
    good = write(tmp_path / "good.dbn", "trades", trades(TIMES[:50], sequence=3))
    other = write(tmp_path / "other.dbn", "trades", trades(OTHER_DAY))
    bad = tmp_path / "bad.dbn.zst"
    bad.write_bytes(content)
    result = quiet([good, bad, other], tmp_path / "b")
    assert result.exit_code == 1
    about_it = [line for line in result.errors if line.startswith(str(bad))]
    assert len(about_it) == 1, result.errors
    assert said in about_it[0]
    assert "\n" not in about_it[0]
    same_day = [] if holds_back else ["futures/trades 2025-12-16"]
    assert partition_names(tmp_path / "b") == [*same_day, "futures/trades 2025-12-17"]
    assert len(result.errors) == 1 + holds_back
    assert not (tmp_path / "b" / "_staging").exists()


def test_what_was_there_stays_when_a_bad_file_comes(tmp_path) -> None:
    good = write(tmp_path / "good.dbn", "trades", trades(TIMES[:50]))
    quiet([good], tmp_path / "b")
    before = tree(tmp_path / "b")
    bad = tmp_path / "bad.dbn"
    bad.write_bytes(RAW[:-20])
    more = write(tmp_path / "more.dbn", "trades", trades(TIMES[100:150]))
    result = quiet([good, bad, more], tmp_path / "b", force=True)
    assert result.exit_code == 1
    assert any("bad.dbn would be part of it" in line for line in result.errors)
    assert tree(tmp_path / "b") == before


def test_an_unreadable_file_holds_back_what_its_name_says(tmp_path) -> None:
    good = write(tmp_path / "good.dbn", "trades", trades(TIMES[:50]))
    bad = tmp_path / "glbx-mdp3-20251216.trades.dbn.zst"
    bad.write_bytes(b"\x28\xb5\x2f\xfd")
    book = tmp_path / "glbx-mdp3-20251201-20251231.mbp-10.dbn.zst"
    book.write_bytes(b"")
    other = write(tmp_path / "other.dbn", "trades", trades(OTHER_DAY + 12 * 3600 * 10**9))
    result = quiet([good, bad, book, other], tmp_path / "b")
    assert partition_names(tmp_path / "b") == ["futures/trades 2025-12-18"]
    assert len(result.errors) == 3


@pytest.mark.parametrize(("symbol", "said"), [(b"", "has no raw_symbol"), (b"\xff\xfe", "UTF-8")])
def test_definitions_without_a_usable_symbol(tmp_path, symbol: bytes, said: str) -> None:
    rows = definitions(TIMES[:5])
    rows["raw_symbol"][3] = symbol
    result = quiet([write(tmp_path / "in.dbn", "definition", rows)], tmp_path / "b")
    assert len(result.errors) == 1
    assert said in result.errors[0]


def test_a_live_capture_is_refused(tmp_path) -> None:
    header = dbn.Metadata(
        dataset="GLBX.MDP3",
        start=T0,
        stype_in=None,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=None,
        ts_out=True,
    )
    (tmp_path / "live.dbn").write_bytes(header.encode())
    assert "no single schema" in quiet([tmp_path / "live.dbn"], tmp_path / "b").errors[0]


def test_an_open_ended_bad_file_holds_back_its_own_partitions(tmp_path) -> None:
    good = write(tmp_path / "good.dbn", "trades", trades(TIMES[:50]))
    bad = tmp_path / "bad.dbn"
    bad.write_bytes(metadata("trades", T0, None).encode() + ROWS.tobytes()[:-1])
    quiet([good, bad], tmp_path / "b")
    assert partition_names(tmp_path / "b") == []
