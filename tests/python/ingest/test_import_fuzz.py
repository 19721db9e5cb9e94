"""500 seeded mutations of DBN, CSV and Parquet: each is refused in words, harmless, or said, and
what no format could show is a value in a record, never a record too many, too few or elsewhere."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import databento as db
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from dbn_files import OPTION_IDS, UNDEF_PRICE, definitions, dtype, encode, new_york, records, write

from ingest.importer import ImportResult, import_paths

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.market]

COUNT, MUTATIONS = 200, 500
T0 = new_york("2025-12-16 09:30")
CHECKED = ("dbn.zst", "csv.zst")
"""Formats whose frame ends with a hash of its content."""
TOLD_TWICE = {"row_nr", "symbol", "instrument_id", "action", "side"}
"""What a file says twice, or in few letters: a change of it is seen."""

Landed = dict[str, pa.Table]


def rows_of(schema: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    times = T0 + 10**8 * np.arange(COUNT) + rng.integers(0, 10**8, COUNT)
    if schema == "definition":
        return definitions(times, strike_price=6_800 * 10**9)
    made = records(schema, times, instrument_id=rng.choice([5602, 5603], COUNT))
    if schema != "trades":
        made["instrument_id"] = rng.choice([7001, 7002], COUNT)
    for name in made.dtype.names:
        if name == "price" or "_px_" in name:
            made[name] = 250_000_000 * rng.integers(4, 30_000, COUNT)
        elif name in ("sequence", "size", "quantity") or "_sz_" in name or "_ct_" in name:
            made[name] = rng.integers(1, 2**20, COUNT)
        elif name == "action":
            made[name] = b"T" if schema == "trades" else rng.choice([b"A", b"C", b"T"], COUNT)
        elif name == "side":
            made[name] = rng.choice([b"A", b"B", b"N"], COUNT)
    if schema == "statistics":
        made["stat_type"], made["price"], made["ts_ref"] = 9, UNDEF_PRICE, T0
    return made


def written(folder: Path) -> dict[str, bytes]:
    """The same records in each format, by file name."""
    files = {}
    for schema in ("trades", "mbp-1", "definition", "statistics"):
        options = {"ids": OPTION_IDS, "symbols": ("E3A.OPT",)}
        about = options if schema in ("mbp-1", "statistics") else {}
        rows = rows_of(schema)
        source = write(folder / f"{schema}.dbn.zst", schema, rows, **about)
        store = db.DBNStore.from_file(source)
        store.to_csv(folder / "pretty.csv")
        store.to_csv(folder / "fixed.csv", pretty_px=False, pretty_ts=False)
        store.to_parquet(folder / "table.parquet")
        fixed = (folder / "fixed.csv").read_bytes()
        files |= {
            f"{schema}.dbn.zst": source.read_bytes(),
            f"{schema}.dbn": encode(schema, rows, zstd=False, **about),
            f"{schema}.csv": (folder / "pretty.csv").read_bytes(),
            f"{schema}.csv.zst": zstandard.ZstdCompressor(write_checksum=True).compress(fixed),
            f"{schema}.parquet": (folder / "table.parquet").read_bytes(),
        }
    return files


def _insert(data: bytes, at: int, size: int, rng: random.Random) -> bytes:
    return data[:at] + rng.randbytes(size) + data[at:]


MUTATORS: dict[str, Callable[[bytes, int, int, random.Random], bytes]] = {
    "a bit": lambda d, at, n, rng: d[:at] + bytes([d[at] ^ 1 << rng.randrange(8)]) + d[at + 1 :],
    "a byte": lambda d, at, n, rng: d[:at] + rng.randbytes(1) + d[at + 1 :],
    "cut off": lambda d, at, n, rng: d[:at],
    "a piece less": lambda d, at, n, rng: d[:at] + d[at + n :],
    "a piece twice": lambda d, at, n, rng: d[: at + n] + d[at:],
    "zeros": lambda d, at, n, rng: (d[:at] + bytes(n) + d[at + n :])[: len(d)],
    "two pieces for each other": lambda d, at, n, rng: (
        d[:at] + d[at + n : at + 2 * n] + d[at : at + n] + d[at + 2 * n :]
    ),
    "a piece more": _insert,
}


def landed(result: ImportResult, bronze: Path) -> Landed:
    assert result.exit_code == (1 if result.errors else 0)
    files = sorted(bronze.rglob("data.parquet"))
    return {str(path.parent.relative_to(bronze)): pq.ParquetFile(path).read() for path in files}


def differing(found: Landed, true: Landed) -> set[str]:
    """The columns that differ, "rows" among them if records are missing, extra or elsewhere."""
    if found.keys() != true.keys() or any(len(found[at]) != len(true[at]) for at in true):
        return {"rows"}
    return {
        name
        for at, table in true.items()
        for name in table.column_names
        if not table[name].equals(found[at][name])
    }


def test_no_mutation_is_silent_and_wrong_where_the_format_shows_it(tmp_path) -> None:
    files = written(tmp_path)
    true = {}
    for name, content in files.items():
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_bytes(content)
        result = import_paths([folder / name], folder / "b", report=lambda _: None)
        assert (result.errors, result.warnings, result.left_out) == ([], [], []), name
        true[name] = landed(result, folder / "b")
    outcomes: Counter[str] = Counter()
    for seed in range(MUTATIONS):
        rng = random.Random(seed)
        name = [*files][seed % len(files)]
        how = rng.choice([*MUTATORS])
        at, size = rng.randrange(len(files[name])), rng.choice([1, 1, 2, 8, 48, 400])
        mutated = MUTATORS[how](files[name], at, size, rng)
        source, bronze = tmp_path / f"{seed}-{name}", tmp_path / f"b{seed}"
        source.write_bytes(mutated)
        result = import_paths([source], bronze, report=lambda _: None)
        found = landed(result, bronze)
        wrong = differing(found, true[name])
        said = [*result.errors, *result.warnings, *result.left_out]
        assert all("\n" not in line and source.name in line for line in said if line), said
        if result.errors and not found:
            outcome = "refused"
        elif not wrong:
            outcome = "harmless"
        elif said:
            outcome = "landed and said"
        else:
            outcome = "not to be seen"
            case = f"{name}, {how} at {at}, {size} bytes, seed {seed}: {wrong}"
            assert not name.endswith(CHECKED), case
            whole = (len(mutated) - len(files[name])) % dtype(name.split(".")[0]).itemsize == 0
            if not (name.endswith(".dbn") and whole):  # Nothing counts the records of raw DBN.
                assert not wrong & {"rows", *TOLD_TWICE}, case
        outcomes[outcome] += 1
    assert sum(outcomes.values()) == MUTATIONS
    print(dict(outcomes))
    assert outcomes["refused"] > 0.7 * MUTATIONS, outcomes
    assert outcomes["not to be seen"] < 0.12 * MUTATIONS, outcomes
