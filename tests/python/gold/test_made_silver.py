"""Made-up Silver is committed as real Silver is, and the reference computes gold from it."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import reference_gold
from gold.handmade_silver import OPEN_NS, SECOND_NS, days, event, silver
from gold.made_silver import made_tables, make_silver
from gold.silver_columns import columns_of
from reference import compare
from reference_gold import KEYS, GoldConstants, expected_gold
from reference_gold.sequences import event_sequences, lead_lag_summary
from reference_gold.silver import TABLES, read_silver

from es_physics.silver.commit import committed_files, read_commit

SEED_COLUMNS = ("feature", "orientation", "source")
SEED = (
    ("zone_width", "none", "zone_width"),
    ("null_logit_break_fixed", "none", "null_logit_break_fixed"),
    ("dist_to_pm_ahead", "mirror", "dist_to_pm_high|dist_to_pm_low"),
    ("tape_volume_with", "side", "tape_buy_volume|tape_sell_volume"),
    ("tape_velocity", "up", "tape_velocity"),
    ("velocity_60s", "aligned", "velocity_60s"),
    ("volume_tod", "none", "volume_tod"),
    ("ofi_tod", "up", "ofi_tod"),
    ("ofi_pca_60s", "up", "ofi_pca_60s"),
    ("microprice_offset", "aligned", "microprice_offset"),
    ("barrier_state_wall", "none", "barrier_state"),
    ("dir_sign", "none", "dir_sign"),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_silver(folder, sessions=14, events=5, placebos_per_event=1)
    return folder


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seed") / "feature_sets.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([SEED_COLUMNS, *SEED])
    return path


SMALL = GoldConstants(
    prior_sessions=4,
    prior_min=2,
    drift_sessions=2,
    min_train=4,
    calibration_sessions=2,
    test_sessions=3,
)


def outputs_of(root: Path, day: date) -> dict[str, Any]:
    record = read_commit(root, day)
    assert record is not None
    outputs: dict[str, Any] = record["outputs"]
    return outputs


def test_the_reference_shares_no_code_with_the_project() -> None:
    modules = sorted(Path(reference_gold.__file__).parent.glob("*.py"))
    assert len(modules) > 10
    assert [m.name for m in modules if "es_physics" in m.read_text(encoding="utf-8")] == []


def test_commits_are_what_readers_of_silver_expect(root: Path) -> None:
    day = date(2024, 1, 2)
    outputs = outputs_of(root, day)
    files = committed_files(root, day)
    assert set(files) == set(TABLES)
    for table, file in files.items():
        content = file.read_bytes()
        output = outputs[table]
        assert output["sha256"] == hashlib.sha256(content).hexdigest()
        assert (root / output["path"]).samefile(file)
        assert pl.read_parquet(root / output["path"], glob=False).schema == columns_of(table)
        assert columns_of(table).keys() >= {"session_date"}


def test_sessions_are_of_every_kind(root: Path) -> None:
    known = read_silver(root, date(2024, 1, 1), date(2024, 1, 31))
    assert (len(known.dates), len(known.rth_dates)) == (14, 13)
    counts = {day: len(rows) for day, rows in known.by_date("level_events").items()}
    # The eighth has a cash session and no event, the twelfth none of either.
    assert [n for n, day in enumerate(known.dates) if not counts[day]] == [7, 11]
    labels, features = known.tables["level_event_labels"], known.tables["level_event_features"]
    assert labels["null_p_break"].null_count()
    by_day = features.group_by("session_date").agg(
        pl.col("gamma_exposure", "mass").is_not_null().any()
    )
    assert dict(by_day.select("session_date", "gamma_exposure").rows())[known.dates[3]] is False
    assert dict(by_day.select("session_date", "mass").rows())[known.dates[4]] is False
    starts = [row["rth_end_ns"] - row["rth_start_ns"] for row in known.rows("sessions")]
    assert starts[5] == 3.5 * 3600 * SECOND_NS


def test_labels_agree_with_themselves() -> None:
    tables = [made_tables(date(2024, 1, 2), number, events=200) for number in (2, 5)]
    names = ("level_event_labels", "placebo_labels")
    labels = pl.concat([table[name] for table in tables for name in names], how="diagonal")
    assert set(labels["outcome"]) == {"BREAK", "BOUNCE", "CHOP", "UNDEFINED"}
    for side in ("break", "bounce"):
        reached = labels.filter(outcome=side.upper())
        assert (reached[f"time_to_{side}_2"] == reached["time_to_threshold_2"]).all()
    known = labels.filter(pl.col("null_p_break").is_not_null())
    total = known.select(pl.sum_horizontal(r"^null_p_(break|bounce|chop)$")).to_series()
    assert (total - 1).abs().max() < 1e-9
    passed = known.filter(pl.col("scaled_null_p_bounce_050") == 1)
    assert passed.height
    assert labels.filter(pl.col("scaled_outcome_100").is_null()).height


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    again = make_silver(tmp_path, sessions=2, events=5, placebos_per_event=1)
    for day in again:
        assert outputs_of(tmp_path, day) == outputs_of(root, day)
    other = make_silver(tmp_path / "other", sessions=1, events=5, seed=8, placebos_per_event=1)
    ours = outputs_of(root, other[0])["level_events"]
    assert outputs_of(tmp_path / "other", other[0])["level_events"] != ours


def test_the_reference_computes_every_table_of_a_range(root: Path, seed: Path) -> None:
    gold = expected_gold(root, date(2024, 1, 2), date(2024, 1, 31), seed, SMALL)
    assert set(gold) == set(KEYS)
    for name, table in gold.items():
        assert table.height, name
        assert not table.select(KEYS[name]).is_duplicated().any(), name
        assert compare(table, table.reverse(), KEYS[name]) == []
    matrix = gold["event_matrix"]
    assert matrix.columns == ["event_id", "session_date", *(name for name, *_ in SEED)]
    known = matrix.select(pl.all().is_not_null().any()).row(0, named=True)
    assert all(known.values()), [name for name, is_known in known.items() if not is_known]
    assert gold["event_targets"].height == 21 * matrix.height
    assert set(gold["folds"]["role"]) == {"train", "calibration", "embargo", "test"}


def test_later_sessions_change_nothing_of_earlier_ones(root: Path, seed: Path) -> None:
    whole = expected_gold(root, date(2024, 1, 2), date(2024, 1, 31), seed, SMALL)
    cut = expected_gold(root, date(2024, 1, 2), date(2024, 1, 17), seed, SMALL)
    for name in ("tod_profiles", "ofi_weights", "microprice", "event_matrix", "feature_drift"):
        earlier = whole[name].filter(pl.col("session_date") <= date(2024, 1, 17))
        assert cut[name].height
        assert compare(cut[name], earlier, KEYS[name], rtol=0, atol=0) == []


def test_a_sequence_is_the_last_forty_steps_that_have_ended() -> None:
    day = days(1)[0]
    grid = [
        {
            "session_date": day,
            "grid_start_ns": OPEN_NS + 30 * n * SECOND_NS,
            "grid_end_ns": OPEN_NS + 30 * (n + 1) * SECOND_NS,
            "close": 6000.0 + n,
            "signed_volume": n,
            "ofi_best": None if n == 1 else 2 * n,
            "mean_depth": 10.0 + n,
        }
        for n in range(60)
    ]
    early = event(day, 0, dir_sign=-1, event_ts_ns=OPEN_NS + 60 * SECOND_NS)
    late = event(day, 1, event_ts_ns=OPEN_NS + 1500 * SECOND_NS - 1)
    table = event_sequences(silver([day], level_events=[early, late], session_grid=grid))
    first, second = table.rows(named=True)
    assert first["path"] == [None] * 38 + [0.0, -1.0]
    assert first["signed_volume"] == [None] * 38 + [0.0, -1.0]
    assert first["ofi"] == [None] * 38 + [0.0, None]
    assert first["depth"] == [None] * 38 + [10.0, 11.0]
    # The fiftieth step has not ended a nanosecond before its end.
    assert second["path"] == [float(n) for n in range(9, 49)]


def test_leads_are_summarised_over_sessions_that_know_the_pair() -> None:
    dates = days(3)
    rho = {dates[0]: 0.2, dates[1]: None, dates[2]: 0.4}
    rows = [
        {
            "session_date": day,
            "pair": pair,
            "theta_ms": 50,
            "rho": rho[day] if pair == "spx" else None,
        }
        for day in dates
        for pair in ("spx", "implied")
    ]
    known = silver(dates, lead_lag=rows)
    leads = {dates[0]: 100, dates[1]: None, dates[2]: 250}
    sessions = [
        row | {"lead_ms_spx": leads[row["session_date"]], "lead_ms_implied": None}
        for row in known.rows("sessions")
    ]
    table = lead_lag_summary(silver(dates, lead_lag=rows, sessions=sessions))
    assert table.rows() == [
        ("implied", 50, None, 0, None),
        ("spx", 50, pytest.approx(0.3), 2, 175.0),
    ]
