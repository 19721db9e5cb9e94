"""Small published scores, runs and gold, made by hand, for the tests of the pages."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.silver.commit import GOLD, publish, read_commit

FIRST = date(2025, 11, 3)
DAYS = [FIRST + timedelta(days=place) for place in (0, 1, 2, 3, 4, 7, 8, 9)]
RUN = "0123456789ab"
CLASSES = ("BREAK", "BOUNCE", "CHOP")
HEAD = ("YES", "NO")
WITHOUT_FEATURES = ("base_rate", "tod_rate", "null", "null_calibrated")
FITTED = ("logit", "lightgbm", "lightgbm_null", "knn", "null_knn")
SETS = ("ta", "mechanics", "stage_a", "stage_b", "geometry")
ODD = "</script><b>odd</b>"
SKILL = {
    # skill, low, high, deflated, side_t
    "base_rate": (-0.21, -0.25, -0.17, 0.0, -9.0),
    "tod_rate": (-0.19, -0.23, -0.15, 0.0, -8.0),
    "null": (-0.012, -0.02, -0.004, 0.0, -1.0),
    "null_calibrated": (0.0, 0.0, 0.0, None, None),
    "logit": (0.004, -0.006, 0.014, 0.41, 0.9),
    "lightgbm": (0.011, 0.002, 0.02, 0.8, 1.4),
    "lightgbm_null": (0.031, 0.019, 0.043, 0.997, 5.3),
    "knn": (0.021, 0.01, 0.032, 0.97, 0.4),
    "null_knn": (-0.009, -0.015, -0.003, 0.0, -2.0),
}
Row = dict[str, Any]


def event_ids() -> list[str]:
    """Two events a session, in the order of time."""
    return [f"{day:%Y%m%d}_PM_HIGH_600000_{place}_UP" for day in DAYS for place in (1, 2)]


def publish_research(
    root: Path,
    *,
    runs: tuple[str, ...] = (RUN,),
    targets: tuple[str, ...] = ("scaled",),
    knn: bool = True,
    found: bool = True,
    scored: bool = True,
    nearer_is_better: bool = True,
    odd: str = "",
) -> None:
    """Publish gold, finished runs of it, and with `scored` their scores.

    `knn`: whether the runs have neighbours. `found`: whether any candidate has skill. `odd` stands
    in names that come from data.
    """
    publish_gold(root, targets)
    for run in runs:
        write_run(root, run, targets, knn=knn, odd=odd)
    write_trials(root, runs, targets, odd)
    if scored:
        better = 0.01 if nearer_is_better else -0.01
        publish_scores(root, runs, targets, knn=knn, found=found, nearer=better, odd=odd)


def publish_gold(root: Path, targets: tuple[str, ...] = ("scaled",), note: str = "") -> None:
    """Publish gold of two events in each of `DAYS`; another `note` makes another gold."""
    outcomes = [
        {
            "event_id": name,
            "session_date": DAYS[place // 2],
            "event_ts_ns": _nanoseconds(DAYS[place // 2], 10 + place % 2, 4, 31),
            "level_kind": "PM_HIGH",
            "direction": "UP",
            "level_price": 6000.0,
            "spot": 5999.0,
            "uniqueness": 0.5,
            "mfe_atr": 1.25,
            "mae_atr": 0.5,
            "scaled_time": None if place % 3 == 2 else 120.0,
        }
        for place, name in enumerate(event_ids())
    ]
    kept = [
        {"event_id": name, "target": target, "class": _class(target, place), "is_scored": True}
        for target in targets
        for place, name in enumerate(event_ids())
    ]
    sessions = [{"session_date": str(day), "fingerprint": "0" * 64} for day in DAYS]
    publish(
        root,
        GOLD,
        {
            "event_outcomes": pa.Table.from_pylist(outcomes),
            "event_targets": pa.Table.from_pylist(kept),
        },
        {"sessions": sessions, "vars": {}, "note": note},
        run_started_at=datetime.now(UTC).isoformat(),
    )


def write_run(
    root: Path, run: str, targets: tuple[str, ...], *, knn: bool = True, odd: str = ""
) -> None:
    """Write a finished run of the gold below `root`: its test sessions are the last four."""
    tested = event_ids()[8:]
    tables: dict[str, list[Row]] = {
        "predictions": [
            {
                "run_id": run,
                "fold": 0,
                "target": target,
                "model": model,
                "feature_set": features,
                "event_id": name,
                "class": one,
                "p_raw": 1 / len(classes_of(target)),
                "p": p,
            }
            for target in targets
            for model, features in [(one, "none") for one in WITHOUT_FEATURES] + [("knn", "full")]
            if knn or model != "knn"
            for name in tested
            for one, p in zip(classes_of(target), _odds(target, model), strict=True)
        ],
        "importances": [
            {
                "run_id": run,
                "fold": fold,
                "target": target,
                "model": "lightgbm_null",
                "feature_set": "full",
                "feature": feature,
                "class": None,
                "gain": share + 0.02 * fold,
                "splits": 10,
                "coefficient": None,
            }
            for target in targets
            for fold in (0, 1)
            for feature, share in ((odd or "wall_ratio", 0.5), ("atr", 0.3), ("clock", 0.1))
        ],
        "partial_dependence": [
            {
                "run_id": run,
                "target": target,
                "model": "lightgbm_null",
                "feature_set": "full",
                "feature": feature,
                "class": one,
                "value": value,
                "p": 1 / len(classes_of(target)) + value / 100 * (1 if place == 0 else -0.5),
            }
            for target in targets
            for feature in (odd or "wall_ratio", "atr")
            for value in (-2.0, -1.0, 0.0, 1.0, 2.0)
            for place, one in enumerate(classes_of(target))
        ],
    }
    if knn:
        tables["neighbours"] = [
            {
                "run_id": run,
                "fold": 0,
                "target": target,
                "feature_set": "full",
                "event_id": name,
                "rank": rank,
                "neighbour_event_id": event_ids()[rank - 1],
                "distance": 0.25 * rank,
                "weight": 0.5 / rank,
                "outcome": _class(target, rank - 1),
                "mfe_atr": 1.25,
                "mae_atr": 0.5,
                "scaled_time": None if rank == 3 else 120.0,
            }
            for target in targets
            for name in tested
            for rank in (1, 2, 3)
        ]
    folder = root / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, rows in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[name] = {"sha256": digest, "rows": len(rows)}
    record = {
        "run_id": run,
        "status": "done",
        "gold_fingerprint": _gold_fingerprint(root),
        "arguments": {"targets": list(targets)},
        "files": files,
        "skipped": [
            {
                "fold": 3,
                "target": target,
                "model": "logit",
                "feature_set": "full",
                "reason": odd or "a class never occurs",
            }
            for target in targets
        ],
    }
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def write_trials(
    root: Path, runs: tuple[str, ...], targets: tuple[str, ...], odd: str = ""
) -> None:
    """Write what was tried: each run's candidates, and one that failed."""
    rows = [
        {
            "run_id": run,
            "target": target,
            "model": model,
            "feature_set": features,
            "status": "done",
            "reason": None,
        }
        for run in runs
        for target in targets
        for model, features in [(one, "full") for one in FITTED[:4]]
        + [("lightgbm_null", one) for one in SETS]
    ]
    rows.append(
        {
            "run_id": "f" * 12,
            "target": "scaled",
            "model": "patchtst",
            "feature_set": "full",
            "status": "failed",
            "reason": odd or "the extra sequences is not installed",
        }
    )
    pq.write_table(pa.Table.from_pylist(rows), root / "trials.parquet")


def publish_scores(
    root: Path,
    runs: tuple[str, ...],
    targets: tuple[str, ...],
    *,
    knn: bool = True,
    found: bool = True,
    nearer: float = 0.01,
    odd: str = "",
) -> None:
    """Publish scores of the runs: eight entries in the four test sessions."""
    tables: dict[str, list[Row]] = {
        name: []
        for name in (
            *("scores", "session_gains", "reliability", "ablations", "edge", "similarity"),
            "calibration",
        )
    }
    models = [(one, "none") for one in WITHOUT_FEATURES]
    models += [(one, "full") for one in FITTED if knn or "knn" not in one]
    models += [("lightgbm_null", one) for one in SETS]
    for run in runs:
        for target in targets:
            for model, features in models:
                key = {"run_id": run, "target": target, "model": model, "feature_set": features}
                _add_scores(tables, key, found=found, nearer=nearer, odd=odd)
    publish(
        root,
        "scores",
        {name: pa.Table.from_pylist(rows) for name, rows in tables.items()},
        {"gold_fingerprint": _gold_fingerprint(root), "runs": list(runs), "left_out": ["e" * 12]},
        run_started_at=datetime.now(UTC).isoformat(),
    )


def _add_scores(
    tables: dict[str, list[Row]], key: Row, *, found: bool, nearer: float, odd: str
) -> None:
    classes = classes_of(key["target"])
    skill, low, high, deflated, side_t = SKILL[key["model"]]
    if not found and key["model"] in FITTED:
        skill, low, high, deflated, side_t = 0.0012, -0.004, 0.0061, 0.31, 0.2
    if key["feature_set"] in SETS:
        skill, low, high = skill - 0.01, low - 0.01, high - 0.01
    score: Row = {
        "events": 1234,
        "effective_n": 567.8,
        "sessions": 40,
        "log_loss": 1.02 * (1 - skill),
        "brier": 0.61,
        "ece": 0.021,
        "ece_null_calibrated": 0.02,
        "skill": skill,
        "skill_low": low,
        "skill_high": high,
        "skill_t": 90 * skill,
        "skill_z": 95 * skill,
        "gain_move": 0.6 * skill,
        "gain_side": 0.4 * skill,
        "move_t": 2.0,
        "side_t": side_t,
        "detectable": 0.009,
        "deflated": deflated,
        "trials": 10,
        **{f"auc_{one.lower()}": 0.55 for one in (*CLASSES, *HEAD)},
    }
    if len(classes) == 2:
        score |= dict.fromkeys(("gain_move", "gain_side", "move_t", "side_t"))
    if key["model"] == "null_calibrated":
        score |= dict.fromkeys(("skill_t", "skill_z", "move_t"))
    few = score | {"events": 61, "effective_n": 33.3, "sessions": 9}
    few |= dict.fromkeys(score.keys() - {"events", "effective_n", "sessions", "trials"})
    for kind, name, values in (
        ("all", "ALL", score),
        ("level_kind_direction", "PM_HIGH_UP", score | {"events": 700, "effective_n": 320.0}),
        ("level_kind_direction", f"{odd or 'SMA_200'}_DOWN", few),
        ("phase", "2", score),
        ("fold", "0", few),
    ):
        tables["scores"].append({**key, "stratum_kind": kind, "stratum": name, **values})
    for place, day in enumerate(DAYS[4:]):
        better = 0.02 * place * (1 if skill > 0 else -1) if skill else 0.0
        tables["session_gains"].append(
            {
                **key,
                "session_date": day,
                "events": 2,
                "weight": 1.0,
                "loss": 1.02 - better,
                "loss_base_rate": 1.2,
                "loss_null": 1.04,
                "loss_null_calibrated": 1.02,
            }
        )
    for one in classes:
        for tenth in range(10):
            tables["reliability"].append(
                {
                    **key,
                    "class": one,
                    "bin": tenth,
                    "events": 120 + tenth,
                    "weight": 55.5,
                    "mean_p": 0.05 + 0.06 * tenth,
                    "share": 0.04 + 0.065 * tenth,
                }
            )
    counted = {"events": 1234, "effective_n": 567.8, "sessions": 40}
    if key["feature_set"] in SETS:
        tables["ablations"].append(
            {
                **key,
                **counted,
                "skill": skill,
                "skill_full": skill + 0.01,
                "difference": -0.01,
                "difference_low": -0.02,
                "difference_high": 0.001,
            }
        )
    if len(classes) == 3:
        tables["edge"].append(
            {**key, **counted, "acted": 210, "mean_net_points": -0.375 + 10 * skill, "t": -1.5}
        )
    if key["model"] == "knn":
        tables["similarity"] += [
            {
                **{name: key[name] for name in ("run_id", "target", "feature_set")},
                "quartile": quarter,
                "events": 308,
                "effective_n": 141.9,
                "sessions": 40,
                "skill": 0.03 - nearer * quarter,
            }
            for quarter in (1, 2, 3, 4)
        ]
    if key["model"] in FITTED:
        tables["calibration"] += [{**key, "fold": fold, "a": 0.25 + fold / 2} for fold in (0, 1)]


def classes_of(target: str) -> tuple[str, ...]:
    """The classes of a target."""
    return CLASSES if target.startswith(("scaled", "fixed")) else HEAD


def _class(target: str, place: int) -> str:
    classes = classes_of(target)
    return classes[place % len(classes)]


def _odds(target: str, model: str) -> tuple[float, ...]:
    if len(classes_of(target)) == 2:
        return (0.25, 0.75)
    return {"base_rate": (0.2, 0.3, 0.5), "knn": (0.375, 0.25, 0.375)}.get(model, (0.25, 0.25, 0.5))


def _nanoseconds(day: date, hour: int, minute: int, second: int) -> int:
    clock = datetime(
        day.year, day.month, day.day, hour, minute, second, tzinfo=ZoneInfo("America/New_York")
    )
    return int(clock.timestamp()) * 10**9


def _gold_fingerprint(root: Path) -> str:
    record = read_commit(root, GOLD)
    assert record is not None
    return str(record["fingerprint"])
