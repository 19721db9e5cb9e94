"""A market turned upside down gives the same matrix: direction is taken out of every feature."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import PROJECT
from gold.gold_builds import run_gold
from gold.made_silver import FIRST_DAY, made_tables, make_silver, write_session
from models.test_metamorphic import mirrored
from reference import compare

from es_physics.project import project_vars

pytestmark = pytest.mark.market

SESSIONS, EVENTS = 8, 12
MATRIX = ("build", "--select", "gold,+event_matrix", "--exclude-resource-type", "test")


def mirrored_tables(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """What `event_matrix` is made of, in a market whose ups are downs and whose bids are asks."""
    of_events = ("level_events", "level_event_features", "level_event_labels")
    images = {name: mirrored(tables[name]) for name in of_events}
    i, dh, m, n, total = map(pl.col, ("imbalance_bucket", "dh", "m", "n", "total"))
    images["level_event_features"] = images["level_event_features"].with_columns(
        tables["level_event_features"].select(-i + 11).to_series()
    )
    flow = ("ofi_best", "signed_volume")
    images["session_grid"] = tables["session_grid"].with_columns(-pl.col(flow))
    first_moment = (m > 0) & (n == 0)
    images["ofi_moments"] = tables["ofi_moments"].with_columns(
        pl.when(first_moment).then(-total).otherwise(total).alias("total")
    )
    images["microprice_counts"] = tables["microprice_counts"].with_columns(
        -pl.col("i_from", "i_to") + 11, -dh
    )
    return tables | images


def test_a_mirrored_market_gives_the_same_matrix(tmp_path: Path) -> None:
    days = make_silver(tmp_path / "silver", sessions=SESSIONS, events=EVENTS)
    assert days[0] == FIRST_DAY
    for number, day in enumerate(days):
        tables = mirrored_tables(made_tables(day, number, events=EVENTS))
        write_session(tmp_path / "mirror", day, tables, build_vars=project_vars())
    matrices = []
    for name in ("silver", "mirror"):
        build = run_gold(*MATRIX, silver=tmp_path / name, work=tmp_path / "work")
        assert build.returncode == 0, build.output
        matrices.append(build.unpublished("event_matrix"))
    seed = pl.read_csv(PROJECT / "seeds/gold/feature_sets.csv")
    of_options = seed.filter(pl.col("needs") == "options")["feature"]
    market, mirror = (matrix.drop("dir_sign", *of_options) for matrix in matrices)
    # The basis to the index is carry, which has no direction to take out: only its sign turns.
    mirror = mirror.with_columns(-pl.col("es_spx_basis"))
    assert (matrices[0]["dir_sign"] == -matrices[1]["dir_sign"]).all()
    known = market.select(pl.all().is_not_null().any()).row(0, named=True)
    assert [name for name, is_known in known.items() if not is_known] == []
    assert compare(market, mirror, ["event_id"], atol=1e-9) == []
