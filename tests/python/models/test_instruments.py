"""A session is of its product's instruments, by what an id named when its records came."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import SILVER_TABLES, Builds, run_dbt
from planted_faults import FRONT, MINUTE_NS, NOW, OPEN_NS, SESSION, Change, copy_bronze, rewrite

OPTION_FEEDS = ("definition", "trades", "nbbo", "statistics")
# What tells of the feeds tells of strangers too.
TABLES = [name for name in SILVER_TABLES if name not in ("bronze_quality", "qa_gate_results")]


def and_again(rows: pl.DataFrame, *columns: pl.Expr) -> pl.DataFrame:
    """The records, and then the same with these columns."""
    return pl.concat([rows, rows.with_columns(*columns).cast(dict(rows.schema))])


def nasdaq(rows: pl.DataFrame) -> pl.DataFrame:
    """All records again as another product's, larger ones where they have a size."""
    others = [
        pl.col("instrument_id") + 1_000_000,
        pl.col("symbol").str.replace("^E", "Q").str.replace("^QS", "NQ"),
    ]
    if "underlying" in rows.columns:
        others += [pl.col("underlying").str.replace("^ES", "NQ"), pl.lit("NQ").alias("asset")]
    if "size" in rows.columns:
        others += [pl.col("size") * 1000]
    return and_again(rows, *others)


def renamed_from(moment_ns: int, which: pl.Expr, symbol: str) -> Change:
    """The definition of the front month, or of every option, once more with another symbol."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        later = rows.filter(which).with_columns(
            ts_recv=pl.lit(moment_ns),
            symbol=pl.lit(symbol),
            expiration=pl.col("expiration") + 7 * 24 * 60 * MINUTE_NS,
        )
        return pl.concat([rows, later.cast(dict(rows.schema))])

    return change


FAULTS: dict[str, dict[str, Change]] = {
    "options of another product": {f"options/{feed}": nasdaq for feed in OPTION_FEEDS},
    "futures of another product": {f"futures/{feed}": nasdaq for feed in ("definition", "trades")},
    "ids that get other symbols in the session and after it": {
        "futures/definition": renamed_from(OPEN_NS + 390 * MINUTE_NS, FRONT, "ESM7"),
        "options/definition": renamed_from(OPEN_NS + 60 * MINUTE_NS, NOW > 0, "E4A Z5 C6000"),
    },
}


@pytest.mark.parametrize("changes", FAULTS.values(), ids=FAULTS)
def test_strangers_and_new_names_of_ids_change_nothing(
    changes: dict[str, Change], builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    copy_bronze(bronze, tmp_path / "bronze")
    for feed, change in changes.items():
        rewrite(tmp_path / "bronze" / feed / f"root=ES/date={SESSION}", change)
    build = run_dbt("build", bronze=tmp_path / "bronze", work=tmp_path, session_date=SESSION)
    assert build.returncode == 0, build.output
    expected = builds[SESSION]
    assert expected.table("sessions", SESSION)["front_month"].item() == "ESZ5"
    assert expected.table("gamma_by_strike", SESSION).height > 0
    for name in TABLES:
        assert build.table(name, SESSION).equals(expected.table(name, SESSION)), name
