"""How events, features and labels answer to a change of the whole market whose effect is known.

Each test rebuilds one session from Bronze that was turned upside down, doubled in size, or moved
up, and derives what must come out from the build of the market as it was. What options say is left
out: a call does not become a put when prices are mirrored, so their Bronze is not copied.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
import reference
from conftest import FROM_OPTIONS, Build, Builds, run_dbt
from reference.levels import kind_names

from es_physics.bronze.manifest import write_manifest

SESSION = "2025-12-10"
DATES = ("2025-12-05", "2025-12-08", "2025-12-09", "2025-12-10")

MIRROR_SUM = 13_600
"""A price and its mirror image add up to this, points."""
SHIFT = 137.25
"""What is added to every price, points."""

KEYS = ["event_ts_ns", "level_kind"]
PRICES = ("level_price", "spot", "future_price")
NOT_ALL_ZERO = (
    *("ofi_best_60s", "ofi_near_level_240s", "tape_sell_volume", "tape_velocity", "sweep_net_size"),
    *("dist_to_or_low", "barrier_filled", "barrier_pulled", "depth_in_zone", "force", "mass"),
    *("force_mass_r2", "es_spx_basis", "voi_best_60s", "voi_integrated_240s", "ofi_level_10_60s"),
    *("book_imbalance", "book_imbalance_10", "weighted_mid_offset", "barrier_visible_share"),
    *("depth_defending_3_5", "depth_attacking_6_9", "sweep_order_net_size", "replenishment_rate"),
    *("path_dct_1", "flow_dct_1", "sweep_cluster_net_size", "scaled_barrier_050", "mfe_atr"),
)
CONTRACTS = ("signed_volume", "added", "removed", "passive_volume")
AMOUNTS = ("move", *CONTRACTS)
"""What paths and buckets of replenishment say."""
MIRROR_IMAGES = {
    "UP": "DOWN",
    "A": "B",
    "bid": "ask",
    "buy": "sell",
    "high": "low",
}
MIRROR_IMAGES |= {
    kind: f"{kind.removesuffix('HIGH')}LOW" for kind in kind_names() if kind.endswith("_HIGH")
}
MIRROR_IMAGES |= {image: name for name, image in MIRROR_IMAGES.items()}

# A moving average that no double holds exactly has an image that differs in the last digit.
RTOL, ATOL = 1e-9, 1e-11


def _is_price(column: str) -> bool:
    return column == "price" or "_px_" in column


def _image(name: str) -> str:
    """A column's name with the words for one side replaced by those for the other."""
    return "_".join(MIRROR_IMAGES.get(word, word) for word in name.split("_"))


def _mirrored_bronze(rows: pl.DataFrame) -> pl.DataFrame:
    """Prices mirrored, bids and asks and the sides of records swapped."""
    columns = {}
    for name in rows.columns:
        column = pl.col(_image(name))
        columns[name] = MIRROR_SUM * 10**9 - column if _is_price(name) else column
    if "side" in rows.columns:
        columns["side"] = pl.col("side").replace(MIRROR_IMAGES)
    return rows.select(**columns)


def _doubled_bronze(rows: pl.DataFrame) -> pl.DataFrame:
    """Twice the size in every trade and at every level of the book."""
    return rows.with_columns(cs.matches("^size$|_sz_") * 2)


def _shifted_bronze(rows: pl.DataFrame) -> pl.DataFrame:
    """Every price moved up."""
    return rows.with_columns(cs.matches("^price$|_px_") + int(SHIFT * 10**9))


def mirrored(events: pl.DataFrame) -> pl.DataFrame:
    """Highs for lows, UP for DOWN, buying for selling; signs turn where up is positive.

    What is aligned with the approach (motion, state of the book, shapes, barrier, force, labels)
    stays. The bucket of an imbalance is that of a share, whose ends a mirror does not swap.
    """
    up_positive = re.compile(
        "dir_sign|ofi_|voi_|dist_to_|tape_(imbalance|velocity)|sweep_net|es_spx"
    )
    columns = {}
    events = events.drop("imbalance_bucket", strict=False)
    for name in events.columns:
        column = pl.col(_image(name))
        if name in PRICES:
            column = MIRROR_SUM - column
        elif name in ("level_kind", "direction"):
            column = column.replace(MIRROR_IMAGES)
        elif up_positive.match(name):
            column = -column
        columns[name] = column
    return events.select(**columns)


def _doubled(events: pl.DataFrame) -> pl.DataFrame:
    """Twice the contracts; whatever is a ratio of contracts, a price or a time stays.

    Sweeps and the barrier's state have thresholds in contracts, so nothing is claimed of them.
    """
    contracts = cs.matches(
        "^ofi_(best|integrated|near_level)_|^tape_(buy|sell)_volume$|^(force|mass)$"
        "|^barrier_(added|removed|filled|pulled|delta_liq|churn)$|^(passive_volume|depth_in_zone)$"
        "|^voi_|^ofi_level_|^depth_(defending|attacking|to|at)_|^flow_dct_|^sweep_(order|cluster)_net"
        "|^replenishment_(rate|velocity)$|^pull_rate$|^(added|removed|signed_volume)$"
    )
    integrated = {window: pl.col(f"ofi_integrated_{window}") for window in ("60s", "240s")}
    return events.drop(
        "sweep_count", "sweep_net_size", "sweep_detected", "barrier_state", strict=False
    ).with_columns(
        contracts * 2,
        **{
            f"ofi_imbalance_{window}": x.sign() * (1 + 2 * x.abs()).log()
            for window, x in integrated.items()
        },
    )


def _shifted(events: pl.DataFrame) -> pl.DataFrame:
    """Prices move; distances, motion, flow and outcomes stay."""
    return events.with_columns(cs.by_name(*PRICES, require_all=False) + SHIFT)


CHANGES = {
    "mirrored": (_mirrored_bronze, mirrored),
    "doubled": (_doubled_bronze, _doubled),
    "shifted": (_shifted_bronze, _shifted),
}


@pytest.fixture(scope="module")
def changed_builds(
    builds: Builds, bronze: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Build]:
    """The session as built from each changed market, two builds at a time."""
    builds.start(SESSION)

    def build(name: str) -> Build:
        work = tmp_path_factory.mktemp(name)
        for folder in _partitions(bronze):
            shutil.copytree(folder, work / "bronze" / folder.relative_to(bronze))
        for folder in _partitions(work / "bronze"):
            if folder.parts[-3] != "definition":
                _rewrite(folder, CHANGES[name][0])
        finished = run_dbt("build", bronze=work / "bronze", work=work, session_date=SESSION)
        assert finished.returncode == 0, finished.output
        return finished

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(CHANGES, pool.map(build, CHANGES), strict=True))


@pytest.fixture(scope="module")
def events(builds: Builds) -> pl.DataFrame:
    """The events of the session with their features and labels, as the market was."""
    events = _events(builds[SESSION].table("level_interactions", SESSION))
    assert set(events["direction"]) == {"UP", "DOWN"}
    # A change of sign or size shows only in what is not zero.
    assert [name for name in NOT_ALL_ZERO if not (events[name] != 0).any()] == []
    return events


@pytest.mark.parametrize("name", CHANGES)
def test_features_and_labels_follow_the_changed_market(
    name: str, events: pl.DataFrame, changed_builds: dict[str, Build]
) -> None:
    expected = CHANGES[name][1](events)
    actual = _events(changed_builds[name].table("level_interactions", SESSION))
    assert reference.compare(expected, actual, KEYS, rtol=RTOL, atol=ATOL) == []


@pytest.mark.parametrize("name", CHANGES)
def test_states_follow_the_changed_market(
    name: str, builds: Builds, changed_builds: dict[str, Build]
) -> None:
    # A price on the level counts as above it, which has no mirror image.
    states, actual = (
        build.table("level_states", SESSION).filter(pl.col("distance") != 0)
        for build in (builds[SESSION], changed_builds[name])
    )
    assert states.height > 2000
    expected = CHANGES[name][1](states)
    assert reference.compare(expected, actual, ["tau_ns", "level_kind"], rtol=RTOL, atol=ATOL) == []


@pytest.mark.parametrize("name", ["mirrored", "doubled"])
def test_paths_and_replenishment_follow_the_changed_market(
    name: str, builds: Builds, changed_builds: dict[str, Build]
) -> None:
    """Both are aligned with the approach: a mirrored market leaves them as they are."""
    factor = 2 if name == "doubled" else 1
    for table, keys in (
        ("event_paths", ["event_ts_ns", "level_kind", "offset_s"]),
        ("event_replenishment", ["event_ts_ns", "level_kind", "bucket"]),
    ):
        before, after = (
            build.table(table, SESSION)
            .join(build.table("level_events", SESSION), on="event_id")
            .select(*keys, cs.by_name(*AMOUNTS, require_all=False))
            for build in (builds[SESSION], changed_builds[name])
        )
        if name == "mirrored":
            after = after.with_columns(pl.col("level_kind").replace(MIRROR_IMAGES))
        expected = before.with_columns(cs.by_name(*CONTRACTS, require_all=False) * factor)
        assert expected.height > 0
        assert reference.compare(expected, after, keys, rtol=RTOL, atol=ATOL) == []


@pytest.mark.parametrize("name", CHANGES)
def test_the_book_around_an_event_follows_the_changed_market(
    name: str, builds: Builds, changed_builds: dict[str, Build]
) -> None:
    """A mirror swaps the sides and turns the prices around; twice the size is twice the size."""
    keys = ["event_ts_ns", "level_kind", "offset_s"]
    before, after = (
        build.table("event_book", SESSION)
        .join(build.table("level_events", SESSION), on="event_id")
        .select(*keys, "lowest_price", "bid_sizes", "ask_sizes")
        for build in (builds[SESSION], changed_builds[name])
    )
    bids, asks, lowest = pl.col("bid_sizes"), pl.col("ask_sizes"), pl.col("lowest_price")
    highest = lowest + (bids.list.len() - 1) * 0.25
    expected = before.filter(bids.is_not_null()).with_columns(
        **{
            "mirrored": {
                "lowest_price": MIRROR_SUM - highest,
                "bid_sizes": asks.list.reverse(),
                "ask_sizes": bids.list.reverse(),
                "level_kind": pl.col("level_kind").replace(MIRROR_IMAGES),
            },
            "doubled": {
                side: pl.col(side).list.eval(pl.element() * 2)
                for side in ("bid_sizes", "ask_sizes")
            },
            "shifted": {"lowest_price": lowest + SHIFT},
        }[name]
    )
    assert expected["bid_sizes"].list.sum().max() > 0
    after = after.filter(bids.is_not_null())
    assert reference.compare(expected, after, keys, rtol=RTOL, atol=ATOL) == []


@pytest.mark.parametrize("name", CHANGES)
def test_what_later_sessions_add_up_follows_the_changed_market(
    name: str, builds: Builds, changed_builds: dict[str, Build]
) -> None:
    """Flow is up-positive, so a mirror turns its sign; relative to what is displayed it does not
    double, and neither do the steps of the best level. Those have no mirror image: of a bucket that
    is exactly full the other side's is not."""
    sign, factor = (-1 if name == "mirrored" else 1), (2 if name == "doubled" else 1)
    close = {"mirrored": MIRROR_SUM - pl.col("close"), "shifted": pl.col("close") + SHIFT}
    answers: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
        "session_grid": lambda grid: grid.with_columns(
            close.get(name, pl.col("close")).alias("close"),
            pl.col("signed_volume", "ofi_best") * sign * factor,
            pl.col("volume", "mean_depth") * factor,
        ),
        "ofi_moments": lambda moments: moments.with_columns(
            pl.when((pl.col("m") > 0) & (pl.col("n") == 0))
            .then(pl.col("total") * sign)
            .otherwise("total")
            .alias("total")
        ),
        "microprice_counts": lambda counts: counts,
        "lead_lag": lambda lags: lags.filter(pl.col("pair") == "spx"),
    }
    if name == "mirrored":
        del answers["microprice_counts"]
    for table, answer in answers.items():
        expected = answer(builds[SESSION].table(table, SESSION))
        actual = changed_builds[name].table(table, SESSION)
        if table == "lead_lag":
            actual = actual.filter(pl.col("pair") == "spx")
        assert expected.height > 0
        keys = reference.KEYS[table]
        assert reference.compare(expected, actual, keys, rtol=RTOL, atol=ATOL) == [], table


def _events(interactions: pl.DataFrame) -> pl.DataFrame:
    """Without event_id, which spells out price and direction, and without what options say."""
    return interactions.drop("event_id", cs.matches(FROM_OPTIONS))


def _partitions(bronze: Path) -> list[Path]:
    """Futures and index partitions that the session reads."""
    return [
        folder
        for pattern in ("futures/*/root=ES/date={}", "index/spx/date={}")
        for day in DATES
        for folder in bronze.glob(pattern.format(day))
    ]


def _rewrite(folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Replace a partition's one file by a changed one, with a manifest that matches it."""
    file = folder / "data.parquet"
    rows = change(pl.read_parquet(file, hive_partitioning=False))
    rows.write_parquet(file)
    manifest = json.loads((folder / "_manifest.json").read_text())
    write_manifest(folder, manifest, {file.name: rows.height})
