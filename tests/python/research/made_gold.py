"""Gold made up directly as published tables: a few features, one of which may tell the outcome.

Only what research reads is there. Outcomes are drawn from the random walk's odds, or, with
`effect`, from odds that lean to BREAK where the feature `planted` is above zero, and to BOUNCE
below.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from es_physics.research.targets import BARRIER_CLASSES
from es_physics.silver.commit import GOLD, publish

FIRST_DAY = date(2024, 1, 2)
KINDS = ("PM_HIGH", "OR_LOW", "SMA_200", "SMA_400")
FAMILIES = ("PM", "OR", "SMA_200", "SMA_400")
FEATURES = {
    "planted": ("flow", "num"),
    "flow_2": ("flow", "num"),
    "sometimes": ("flow", "num"),
    "is_early": ("clock", "flag"),
    "minutes": ("clock", "num"),
    "constant": ("clock", "num"),
    "nowhere": ("gamma", "num"),
}
"""Name, group and kind; `sometimes` is NULL at times, `nowhere` always."""

FOLD_VARS = {"min_train": 12, "calibration_sessions": 4, "embargo_sessions": 1, "test_sessions": 4}


def make_gold(
    root: Path,
    *,
    sessions: int = 25,
    events: int = 20,
    effect: float = 0.0,
    seed: int = 7,
    change: Mapping[str, Any] | None = None,
) -> dict[str, pa.Table]:
    """Publish so many sessions of `events` events each below `root`; returns the tables.

    `change` maps the name of a table to a function of it, for what is to be different.
    """
    tables = _tables(sessions, events, effect, seed)
    for name, changed in (change or {}).items():
        tables[name] = changed(tables[name])
    inputs = {
        "sessions": [{"session_date": str(day), "fingerprint": ""} for day in _days(sessions)],
        "vars": FOLD_VARS,
        "made": [sessions, events, effect, seed, *sorted(change or ())],
    }
    publish(root, GOLD, tables, inputs, run_started_at="2024-01-02T00:00:00+00:00")
    return tables


def _days(sessions: int) -> list[date]:
    return [FIRST_DAY + timedelta(days=number) for number in range(sessions)]


def _tables(sessions: int, events: int, effect: float, seed: int) -> dict[str, pa.Table]:
    rng = np.random.default_rng(seed)
    days = _days(sessions)
    count = sessions * events
    session = np.repeat(np.arange(sessions), events)
    kind = rng.integers(0, len(KINDS), count)
    ids = [
        f"{days[session[number]]:%Y%m%d}_{KINDS[kind[number]]}_{number:05d}"
        for number in range(count)
    ]
    # Tables are ordered by id.
    order = np.argsort(ids)
    kind, ids = kind[order], [ids[place] for place in order]
    columns = {name: rng.normal(size=count).round(3) for name in ("planted", "flow_2", "sometimes")}
    columns["sometimes"][rng.random(count) < 0.3] = np.nan
    columns["minutes"] = rng.uniform(0, 240, count)
    columns["is_early"] = (columns["minutes"] < 15).astype(float)
    columns["constant"] = np.ones(count)
    columns["nowhere"] = np.full(count, np.nan)
    p_null = rng.dirichlet([6.0, 6.0, 8.0], count)
    lean = effect * np.sign(columns["planted"])
    p = p_null * np.exp(np.column_stack([lean, -lean, np.zeros(count)]))
    drawn = (rng.random(count)[:, None] > np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)).sum(
        1
    )
    is_scored = rng.random(count) > 0.03
    outcome = np.where(is_scored, np.array(BARRIER_CLASSES)[np.minimum(drawn, 2)], "UNDEFINED")
    is_up = rng.random(count) < 0.5
    uniqueness = rng.uniform(0.2, 1.0, count)
    dates = [days[number] for number in session]
    return {
        "feature_sets": _feature_sets(),
        "folds": _folds(days),
        "event_matrix": pa.table(
            {"event_id": ids, "session_date": dates}
            | {name: pa.array(columns[name], from_pandas=True) for name in FEATURES}
        ),
        "event_targets": _targets(ids, outcome, is_scored, uniqueness, p_null, rng),
        "event_outcomes": pa.table(
            {
                "event_id": ids,
                "session_date": dates,
                "level_family": [FAMILIES[number] for number in kind],
                "minutes_since_open": columns["minutes"],
                "dir_sign": np.where(is_up, 1, -1),
                "mfe_atr": rng.exponential(size=count),
                "mae_atr": rng.exponential(size=count),
                "scaled_time": pa.array(
                    np.where(rng.random(count) < 0.5, np.nan, 90.0), from_pandas=True
                ),
            }
        ),
        "event_sequences": pa.table(
            {"event_id": ids}
            | {
                name: rng.normal(size=(count, 40)).tolist()
                for name in ("path", "signed_volume", "ofi", "depth")
            }
        ),
    }


def _feature_sets() -> pa.Table:
    rows = [
        {
            "feature_nr": number,
            "feature": name,
            "feature_group": group,
            "kind": kind,
            "full": True,
            "stage_a": group == "clock",
        }
        for number, (name, (group, kind)) in enumerate(FEATURES.items(), 1)
    ]
    return pa.Table.from_pylist(rows)


def _folds(days: list[date]) -> pa.Table:
    ends = np.cumsum([FOLD_VARS[name] for name in ("min_train", "calibration_sessions")])
    test = int(ends[1]) + FOLD_VARS["embargo_sessions"]
    rows = []
    for fold, start in enumerate(range(0, len(days) - test, FOLD_VARS["test_sessions"])):
        for number, day in enumerate(days[: start + test + FOLD_VARS["test_sessions"]]):
            place = number - start
            role = "train" if place < ends[0] else "calibration" if place < ends[1] else "embargo"
            rows.append(
                {"fold": fold, "session_date": day, "role": "test" if place >= test else role}
            )
    schema = {"fold": pa.int64(), "session_date": pa.date32(), "role": pa.string()}
    return pa.Table.from_pylist(rows, pa.schema(schema))


def _targets(
    ids: list[str],
    outcome: np.ndarray,
    is_scored: np.ndarray,
    uniqueness: np.ndarray,
    p_null: np.ndarray,
    rng: np.random.Generator,
) -> pa.Table:
    unknown = pa.nulls(len(ids), pa.float64())
    barrier = {
        "event_id": ids,
        "target": ["scaled"] * len(ids),
        "class": outcome,
        "weight": uniqueness,
        **{f"p_null_{name.lower()}": p_null[:, k] for k, name in enumerate(BARRIER_CLASSES)},
        "p_null_yes": unknown,
        "p_null_no": unknown,
        "is_scored": is_scored,
    }
    yes = 1 - p_null[:, 2]
    happened = np.where(rng.random(len(ids)) < yes, "YES", "NO")
    head = barrier | {
        "target": ["tradeable_2"] * len(ids),
        "class": np.where(is_scored, happened, "UNDEFINED"),
        **{f"p_null_{name.lower()}": unknown for name in BARRIER_CLASSES},
        "p_null_yes": yes,
        "p_null_no": 1 - yes,
    }
    return pa.concat_tables([pa.table(barrier), pa.table(head)]).sort_by(
        [("event_id", "ascending"), ("target", "ascending")]
    )
