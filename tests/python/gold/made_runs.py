"""Published gold and runs of models on it, made up: what the evaluation reads, and no more.

Outcomes are drawn from odds that the random walk knows but for a tilt between BREAK and BOUNCE; the
made models see some of it. Probabilities are tied, cut off and far off in places, folds differ, one
fold of a set of features is missing, and some strata are too small to be scored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from es_physics.silver.commit import GOLD, publish

THREE, TWO = ("BREAK", "BOUNCE", "CHOP"), ("YES", "NO")
CLASSES: dict[str, tuple[str, ...]] = {"scaled": THREE, "fixed": THREE, "break_1_60s": TWO}
WITHOUT_FEATURES = ("base_rate", "tod_rate", "null", "null_calibrated")
KINDS = ("PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW", "SMA_200", "SMA_400")
LEAD = 6
"""Sessions before the first that is tested."""
TESTED = 10
"""Sessions that a fold tests."""


def make_gold(root: Path, sessions: int, events: float, seed: int = 7) -> str:
    """Publish so many tested sessions of about so many events below `root`; the fingerprint."""
    rng = np.random.default_rng(seed)
    days = _weekdays(date(2024, 1, 2), LEAD + sessions)
    outcomes = _outcomes(days, events, rng)
    tables = {
        "event_targets": pl.concat(_targets(outcomes, target, rng) for target in CLASSES),
        "event_outcomes": outcomes,
        "folds": _folds(days),
    }
    arrow = {name: table.to_arrow() for name, table in tables.items()}
    sessions_read = [{"session_date": str(day), "fingerprint": "made"} for day in days]
    inputs = {"sessions": sessions_read, "start": str(days[0]), "end": str(days[-1]), "seed": seed}
    now = datetime.now(UTC).isoformat()
    return str(publish(root, GOLD, arrow, inputs, run_started_at=now)["fingerprint"])


def _weekdays(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=n) for n in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


def _outcomes(days: Sequence[date], events: float, rng: np.random.Generator) -> pl.DataFrame:
    counts = np.maximum(rng.poisson(events, len(days)), 1)
    session = np.repeat(np.arange(len(days)), counts)
    n = session.size
    kind = rng.choice(len(KINDS), n, p=[0.3, 0.25, 0.2, 0.2, 0.04, 0.01])
    sign = rng.choice([-1, 1], n)
    spot = 5000 + np.round(rng.normal(0, 40, n) * 4) / 4
    position = np.round(rng.normal(0, 1.5, n) * 4) / 4
    names = [KINDS[one] for one in kind]
    scale = rng.uniform(4, 12, n)
    number = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    return pl.DataFrame(
        {
            "event_id": [f"{days[s]}_{i:03d}" for s, i in zip(session, number, strict=True)],
            "session_date": [days[one] for one in session],
            "level_kind": names,
            "level_family": [name.removesuffix("_HIGH").removesuffix("_LOW") for name in names],
            "direction": np.where(sign > 0, "UP", "DOWN"),
            "session_phase": rng.integers(0, 4, n),
            "minutes_since_open": rng.uniform(0, 240, n),
            "dir_sign": sign,
            "level_price": spot - sign * position,
            "spot": spot,
            "position_points": position,
            "future_price": spot + np.round(rng.normal(0, 6, n) * 4) / 4,
            "barrier_points_fixed": np.full(n, 15.0),
            "barrier_points_scaled": scale,
            "barrier_points_scaled_050": scale / 2,
            "uniqueness": rng.choice([1.0, 0.5, 1 / 3, 0.7], n),
        }
    )


def _targets(outcomes: pl.DataFrame, target: str, rng: np.random.Generator) -> pl.DataFrame:
    classes = CLASSES[target]
    n = outcomes.height
    p_null = rng.dirichlet([2.0] * (len(classes) - 1) + [4.0], n)
    tilt = np.where(rng.random(n) < 0.5, 0.6, -0.6)
    real = p_null * np.exp(np.outer(tilt, [1.0, -1.0] + [0.0] * (len(classes) - 2)))
    happened = (rng.random(n)[:, None] > np.cumsum(real / real.sum(1, keepdims=True), 1)).sum(1)
    names = np.array([*classes, "UNDEFINED"])[np.minimum(happened, len(classes) - 1)]
    names[rng.random(n) < 0.03] = "UNDEFINED"
    nulls = {f"p_null_{name}": np.full(n, np.nan) for name in ("break", "bounce", "chop")}
    nulls |= {f"p_null_{name}": np.full(n, np.nan) for name in ("yes", "no")}
    nulls |= {f"p_null_{name.lower()}": p_null[:, one] for one, name in enumerate(classes)}
    return pl.DataFrame(
        {
            "event_id": outcomes["event_id"],
            "target": [target] * n,
            "class": names,
            "weight": outcomes["uniqueness"],
            **nulls,
            "is_scored": names != "UNDEFINED",
            "tilt": tilt,
        }
    ).with_columns(pl.col("^p_null_.*$").fill_nan(None))


def _folds(days: Sequence[date]) -> pl.DataFrame:
    rows = []
    for fold, first in enumerate(range(LEAD, len(days), TESTED)):
        rows += [(fold, day, "train") for day in days[: first - 3]]
        rows += [(fold, day, "calibration") for day in days[first - 3 : first - 1]]
        rows += [(fold, days[first - 1], "embargo")]
        rows += [(fold, day, "test") for day in days[first : first + TESTED]]
    return pl.DataFrame(rows, schema=["fold", "session_date", "role"], orient="row")


def make_run(
    root: Path,
    run_id: str,
    targets: Sequence[str] = ("scaled",),
    models: Sequence[str] = ("lightgbm_null", "knn"),
    feature_sets: Sequence[str] = ("full", "ta"),
    *,
    gold_fingerprint: str,
    seed: int = 7,
    status: str = "done",
) -> Path:
    """Write a run's files below `root`, and its trials to those that are there; its folder.

    knn is of `full` alone, and the last set of features lacks the first fold if there are several.
    """
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    events = _tested(root)
    predictions, calibrations = [], []
    trials = []
    for target in targets:
        of_target = events.filter(pl.col("target") == target)
        candidates = [(name, "none") for name in WITHOUT_FEATURES]
        candidates += [
            (name, one) for name in models for one in feature_sets if name != "knn" or one == "full"
        ]
        for nr, (model, features) in enumerate(candidates):
            rng = np.random.default_rng([seed, nr])
            rows = of_target
            if len(feature_sets) > 1 and features == feature_sets[-1]:
                rows = rows.filter(pl.col("fold") > 0)
            predictions.append(_predicted(rows, target, model, features, rng))
            is_calibrated = model in models or model == "null_calibrated"
            if is_calibrated:
                calibrations += _calibrated(rows, target, model, features)
            if model in models:
                trials.append((run_id, target, model, features, status, None))
    tables = {
        "predictions": pl.concat(predictions).with_columns(run_id=pl.lit(run_id)),
        "calibration": pl.DataFrame(calibrations, infer_schema_length=None).with_columns(
            run_id=pl.lit(run_id)
        ),
    }
    if "knn" in models:
        tables["neighbours"] = _neighbours(events, run_id, targets[0], seed)
    files = {}
    for name, table in tables.items():
        file = folder / f"{name}.parquet"
        pq.write_table(table.to_arrow(), file, compression="zstd")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        files[name] = {"sha256": digest, "rows": table.height}
    record = {"run_id": run_id, "status": status, "gold_fingerprint": gold_fingerprint}
    (folder / "run.json").write_text(json.dumps(record | {"files": files}, sort_keys=True))
    _add_trials(root / "trials.parquet", trials)
    return folder


def _tested(root: Path) -> pl.DataFrame:
    record: Mapping[str, Any] = json.loads((root / "_commits" / "gold.json").read_text())
    gold = {
        name: pl.read_parquet(root / output["file"], glob=False)
        for name, output in record["outputs"].items()
    }
    tests = gold["folds"].filter(pl.col("role") == "test")
    places = gold["event_outcomes"].select("event_id", "session_date").join(tests, "session_date")
    return (
        gold["event_targets"]
        .filter("is_scored")
        .join(places, on="event_id")
        .sort("target", "event_id")
    )


def _predicted(
    rows: pl.DataFrame, target: str, model: str, features: str, rng: np.random.Generator
) -> pl.DataFrame:
    classes = CLASSES[target]
    p_null = rows.select(f"p_null_{name.lower()}" for name in classes).to_numpy()
    raw = _probabilities(model, p_null, rows["tilt"].to_numpy(), rows["fold"].to_numpy(), rng)
    weight = rng.choice([0.0, 0.3, 0.9]) if features != "none" else 1.0
    p = p_null ** (1 - weight) * raw**weight
    p /= p.sum(axis=1, keepdims=True)
    n, k = p.shape
    return pl.DataFrame(
        {
            "fold": np.repeat(rows["fold"].to_numpy(), k),
            "target": [target] * (n * k),
            "model": [model] * (n * k),
            "feature_set": [features] * (n * k),
            "event_id": np.repeat(rows["event_id"].to_numpy(), k),
            "class": list(classes) * n,
            "p_raw": raw.ravel(),
            "p": p.ravel(),
        }
    )


def _probabilities(
    model: str,
    p_null: NDArray[np.float64],
    tilt: NDArray[np.float64],
    fold: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    n, k = p_null.shape
    if model in ("base_rate", "tod_rate"):
        shares = rng.dirichlet([20.0] * k, (fold.max(initial=0) + 1, 2))
        part = rng.integers(0, 2, n) if model == "tod_rate" else np.zeros(n, int)
        return np.asarray(shares[fold, part])
    if model == "null":
        return p_null
    seen = tilt * rng.choice([-1, 1], n, p=[0.3, 0.7]) if model not in WITHOUT_FEATURES else 0.0
    noise = 0.02 if model == "null_calibrated" else 0.2
    logits = np.log(p_null) + rng.normal(0, noise, (n, k))
    logits[:, 0] += seen
    logits[:, 1] -= seen
    if model == "knn":
        logits = np.round(logits * 4) / 4
    if model == "lightgbm":
        logits[::50, 0] -= 40
    p = np.exp(logits)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _calibrated(rows: pl.DataFrame, target: str, model: str, features: str) -> list[dict[str, Any]]:
    common = {"target": target, "model": model, "feature_set": features, "events": rows.height}
    if model == "null_calibrated":
        biases = {f"bias_{name}": 0.01 * nr for nr, name in enumerate(CLASSES[target])}
        common |= {"slope": 1.1, **biases}
    else:
        common |= {"a": 0.5}
    return [{"fold": fold, **common} for fold in rows["fold"].unique().sort().to_list()]


def _neighbours(events: pl.DataFrame, run_id: str, target: str, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = events.filter(pl.col("target") == target).select("fold", "target", "event_id")
    distance = np.sort(np.round(rng.uniform(0.5, 3, (rows.height, 3)), 1), axis=1)
    return pl.concat(
        rows.with_columns(
            run_id=pl.lit(run_id),
            feature_set=pl.lit("full"),
            rank=pl.lit(place + 1, pl.Int64),
            neighbour_event_id=pl.lit("2024-01-02_000"),
            distance=pl.Series(distance[:, place]),
        )
        for place in range(3)
    )


def _add_trials(file: Path, trials: Sequence[tuple[Any, ...]]) -> None:
    names = ["run_id", "target", "model", "feature_set", "status", "reason"]
    kinds = dict.fromkeys(names, pl.String)
    rows = pl.DataFrame(trials, schema=kinds, orient="row")
    if file.is_file():
        rows = pl.concat([pl.read_parquet(file, glob=False), rows])
    pq.write_table(rows.to_arrow(), file)
