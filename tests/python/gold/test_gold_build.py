"""Gold of sixty made-up sessions: every table against the reference, its bytes, and its past."""

from __future__ import annotations

import html
import importlib.util
import re
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import PROJECT, run_es_physics
from gold.gold_builds import GoldBuild, run_gold
from gold.made_silver import make_silver
from reference import compare
from reference_gold import KEYS, expected_gold
from statsmodels.duration.survfunc import CumIncidenceRight

pytestmark = pytest.mark.market

SEED = PROJECT / "seeds" / "gold" / "feature_sets.csv"
ENDS_LATER = 9
"""Sessions at the end of the range that the shorter one has not."""

HANDED_ON = ("feature_sets", "event_outcomes")
"""Tables that say again what the seed and Silver say."""

# What an iteration ends at, and a matrix's eigenvector, have no relative error of their own near 0.
ATOL = {"ofi_weights": 1e-9, "microprice": 1e-9, "event_matrix": 1e-9}


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[date]]:
    """The root of the sessions, and their dates."""
    root = tmp_path_factory.mktemp("silver")
    return root, make_silver(root, sessions=60, events=12)


@pytest.fixture(scope="module")
def started(
    silver: tuple[Path, list[date]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[GoldBuild]]:
    """Builds of one thread, of several, and of a range that ends earlier, two at a time."""
    root, days = silver
    work = tmp_path_factory.mktemp("builds")
    pool = ThreadPoolExecutor(max_workers=2)

    def start(name: str, threads: int, **given: str) -> Future[GoldBuild]:
        return pool.submit(run_gold, silver=root, work=work / name, threads=threads, given=given)

    return {
        "whole": start("whole", 1),
        "again": start("again", 4),
        "shorter": start("shorter", 2, gold_end=str(days[-ENDS_LATER - 1])),
    }


@pytest.fixture(scope="module")
def expected(
    silver: tuple[Path, list[date]], started: dict[str, Future[GoldBuild]]
) -> dict[str, pl.DataFrame]:
    root, days = silver
    return expected_gold(root, days[0], days[-1], SEED)


@pytest.fixture(scope="module")
def built(started: dict[str, Future[GoldBuild]]) -> GoldBuild:
    build = started["whole"].result()
    assert build.returncode == 0, build.output
    return build


@pytest.mark.parametrize("name", KEYS)
def test_a_table_equals_the_reference(
    name: str, built: GoldBuild, expected: dict[str, pl.DataFrame]
) -> None:
    table = built.table(name)
    assert table.columns == expected[name].columns
    assert table.height
    assert compare(expected[name], table, KEYS[name], atol=ATOL.get(name, 1e-12)) == []


def test_incidence_is_that_of_another_implementation(built: GoldBuild) -> None:
    windows = built.unpublished("int_incidence_windows", "gold_intermediate")
    found = built.table("cumulative_incidence").filter(stratum="ALL")
    for target, cause in [("fixed", "BREAK"), ("scaled_100", "BREAK"), ("scaled_100", "BOUNCE")]:
        ends = windows.filter(target=target)
        status = ends["result"].replace_strict({"BREAK": 1, "BOUNCE": 2}, default=0)
        second = CumIncidenceRight(ends["end_s"].to_numpy(), status.to_numpy())
        rows = found.filter(target=target, cause=cause).sort("second")
        curve = np.concatenate([[0.0], second.cinc[0 if cause == "BREAK" else 1]])
        reached = np.searchsorted(second.times, rows["second"].to_numpy(), side="right")
        assert 0 < rows["incidence"].max() < 1
        np.testing.assert_allclose(rows["incidence"].to_numpy(), curve[reached], atol=1e-12)


def test_no_table_is_left_without_a_reference(built: GoldBuild) -> None:
    assert built.record()["outputs"].keys() == {*KEYS, *HANDED_ON}


def test_the_sets_of_features_are_published_in_the_order_of_the_seed(built: GoldBuild) -> None:
    seed = pl.read_csv(SEED).rename({"group": "feature_group"})
    assert built.table("feature_sets").equals(
        seed.with_row_index("feature_nr", 1).cast({"feature_nr": pl.Int64})
    )


def test_outcomes_are_those_of_silver(built: GoldBuild, silver: tuple[Path, list[date]]) -> None:
    def read(table: str) -> pl.DataFrame:
        files = silver[0].glob(f"{table}/*/data.parquet")
        return pl.concat([pl.read_parquet(file, glob=False) for file in files])

    events = read("level_events").join(read("level_event_labels"), on="event_id")
    expected = events.select(
        *("event_id", "session_date", "event_ts_ns", "level_kind", "direction"),
        *("minutes_since_open", "level_price", "spot", "future_price", "uniqueness"),
        *("mfe_atr", "mae_atr", "scaled_time_050"),
        label_end_ns=pl.col("event_ts_ns") + 8 * 60 * 10**9,
        level_family=pl.col("level_kind").replace(
            {"PM_HIGH": "PM", "PM_LOW": "PM", "OR_HIGH": "OR", "OR_LOW": "OR"}
        ),
        position_points=pl.when(pl.col("direction") == "UP")
        .then(pl.col("spot") - pl.col("level_price"))
        .otherwise(pl.col("level_price") - pl.col("spot")),
        barrier_points_fixed=15.0,
        barrier_points_scaled="scaled_barrier_100",
        barrier_points_scaled_050="scaled_barrier_050",
        time_fixed_s=pl.when(pl.col("outcome") == "BREAK")
        .then("time_to_break_2")
        .when(pl.col("outcome") == "BOUNCE")
        .then("time_to_bounce_2"),
        scaled_time="scaled_time_100",
    )
    outcomes = built.table("event_outcomes")
    assert outcomes["event_id"].is_sorted()
    assert outcomes["time_fixed_s"].count() > 0
    assert compare(expected, outcomes, ["event_id"], rtol=0, atol=0) == []


def test_every_feature_of_the_seed_is_known_somewhere(built: GoldBuild) -> None:
    matrix = built.table("event_matrix")
    features = pl.read_csv(SEED)["feature"].to_list()
    assert matrix.columns == ["event_id", "session_date", *features]
    assert [name for name in features if matrix[name].null_count() == matrix.height] == []
    assert set(matrix.select(features).dtypes) == {pl.Float64}


def test_two_builds_with_other_threads_have_the_same_bytes(
    built: GoldBuild, started: dict[str, Future[GoldBuild]]
) -> None:
    again = started["again"].result()
    assert again.returncode == 0, again.output
    assert again.digests() == built.digests()
    assert again.record()["fingerprint"] == built.record()["fingerprint"]


@pytest.mark.parametrize(
    "name", ["event_matrix", "tod_profiles", "ofi_weights", "microprice", "feature_drift"]
)
def test_later_sessions_change_no_row_of_an_earlier_date(
    name: str,
    silver: tuple[Path, list[date]],
    built: GoldBuild,
    started: dict[str, Future[GoldBuild]],
) -> None:
    shorter = started["shorter"].result()
    assert shorter.returncode == 0, shorter.output
    end = silver[1][-ENDS_LATER - 1]
    whole = built.table(name)
    earlier = whole.filter(pl.col("session_date") <= end)
    assert 0 < earlier.height < whole.height
    assert shorter.table(name).equals(earlier)


def test_a_shorter_range_is_another_gold(
    silver: tuple[Path, list[date]], built: GoldBuild, started: dict[str, Future[GoldBuild]]
) -> None:
    inputs = built.record()["inputs"]
    assert [one["session_date"] for one in inputs["sessions"]] == [str(day) for day in silver[1]]
    shorter = started["shorter"].result().record()
    assert len(shorter["inputs"]["sessions"]) == len(silver[1]) - ENDS_LATER
    assert shorter["fingerprint"] != built.record()["fingerprint"]


def run_study(gold: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], dict[str, Any]]:
    """What the notebook's cells showed, and the names that they defined."""
    monkeypatch.setenv("ES_GOLD_ROOT", str(gold))
    spec = importlib.util.spec_from_file_location("study", PROJECT / "notebooks" / "study.py")
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    shown, names = notebook.app.run()
    return list(shown), dict(names)


def test_the_notebook_tests_a_feature_on_later_sessions(
    built: GoldBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, names = run_study(built.root, monkeypatch)
    folds = built.table("folds")
    tested = names["database"].sql("from excesses").pl()
    assert tested.height
    assert set(tested["session_date"]) <= set(folds.filter(role="test")["session_date"])

    matrix = built.table("event_matrix").join(folds, "session_date")
    feature = names["feature"].value
    cut = matrix.filter(role="train")[feature].median()
    above = matrix.filter(pl.col(feature) > cut, role="test").join(
        built.table("event_targets").filter(is_scored=True, target="scaled"), "event_id"
    )
    assert tested["is_above"].sum() == above.height > 0
    assert re.search(r"t = -?[0-9.]+ over [0-9]+ sessions, standard error", names["verdict"])

    chart = html.unescape(shown[-1].text)
    assert len(chart) > 500_000  # its script is in it
    assert not re.search(r"<script[^>]*\ssrc=|<link\s", chart)
    assert f"{feature} above its median" in chart


def test_the_notebook_without_gold_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _ = run_study(tmp_path, monkeypatch)
    told = [one.text for one in shown if "No gold is published" in getattr(one, "text", "")]
    assert len(told) == 1
    assert str(tmp_path) in told[0]


@pytest.fixture
def own_gold(built: GoldBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what was published, to be damaged."""
    root = Path(shutil.copytree(built.root, tmp_path / "gold"))
    monkeypatch.setenv("ES_GOLD_ROOT", str(root))
    return root


def test_verify_hashes_gold_too(
    own_gold: Path, silver: tuple[Path, list[date]], built: GoldBuild
) -> None:
    command = ("verify", "--silver-root", silver[0])
    whole = run_es_physics(*command)
    assert (whole.returncode, whole.stderr) == (0, "")
    file = built.record()["outputs"]["univariate"]["file"]
    content = (own_gold / file).read_bytes()
    (own_gold / file).unlink()
    (own_gold / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    damaged = run_es_physics(*command)
    assert damaged.returncode == 1
    line = f"error: gold univariate: {file} does not match its sha256"
    assert damaged.stderr.startswith(line)
    assert damaged.stderr.count("\n") == 1
    assert "make gold" in damaged.stderr


def test_gc_removes_versions_of_gold_that_were_replaced(
    own_gold: Path, silver: tuple[Path, list[date]], built: GoldBuild
) -> None:
    version = built.record()["version"]
    versions = own_gold / "_versions" / "gold"
    shutil.copytree(versions / version, versions / "20200101T000000-0123abcd")
    collected = run_es_physics("gc", "--older-than", "0", "--silver-root", silver[0])
    # The made sessions' versions are not named as a publication names them, and are left alone.
    assert f"{len(KEYS) + len(HANDED_ON)} files removed" in collected.stdout
    assert [folder.name for folder in versions.iterdir()] == [version]
    assert run_es_physics("verify", "--silver-root", silver[0]).returncode == 0
