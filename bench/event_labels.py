"""Labels of events as researchers write them: a loop over the events, NumPy within each.

The null model's probabilities are those of `es_physics.quant`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.session_clock import MINUTE, VARS
from es_physics.quant.first_passage import first_passage_probabilities


def event_labels(
    events: list[dict[str, Any]], ts: NDArray[np.int64], price: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """One row per event by the names of `level_event_labels`, None where unknown.

    `events` are rows of `level_events`; `ts` (ns) and `price` (points) the front month's trades.
    """
    horizon = VARS["horizon_minutes"] * MINUTE
    thresholds = (VARS["strength_threshold"], VARS["outcome_threshold"])
    rows = [_label(event, ts, price, horizon, thresholds) for event in events]
    starts = np.array([event["event_ts_ns"] for event in events], np.int64)
    ends = np.array([row["label_end_ts_ns"] for row in rows], np.int64)
    for row, start, end in zip(rows, starts, ends, strict=True):
        edges = np.unique(np.concatenate([starts, ends]).clip(start, end))
        alive = ((starts <= edges[:-1, None]) & (ends > edges[:-1, None])).sum(axis=1)
        row["uniqueness"] = float((np.diff(edges) / alive).sum() / (end - start))
    return rows


def _label(
    event: dict[str, Any],
    ts: NDArray[np.int64],
    price: NDArray[np.float64],
    horizon: int,
    thresholds: tuple[float, float],
) -> dict[str, Any]:
    t0, sign, level = event["event_ts_ns"], event["dir_sign"], event["level_price"]
    begin, end = np.searchsorted(ts, [t0, t0 + horizon], side="right")
    times, moves = ts[begin:end], sign * (price[begin:end] - level)
    row: dict[str, Any] = {"event_id": event["event_id"], "session_date": event["session_date"]}
    for number, threshold in enumerate(thresholds, start=1):
        broke, bounced = np.flatnonzero(moves >= threshold), np.flatnonzero(moves <= -threshold)
        first = {"break": broke[:1], "bounce": bounced[:1]}
        first["threshold"] = np.sort(np.concatenate([broke[:1], bounced[:1]]))[:1]
        for name, place in first.items():
            row[f"time_to_{name}_{number}"] = (
                float((times[place[0]] - t0) / 1e9) if place.size else None
            )
        row[f"tradeable_{number}"] = bool(first["threshold"].size)
    if first["threshold"].size:
        row["outcome"] = "BREAK" if np.array_equal(first["break"], first["threshold"]) else "BOUNCE"
        row["label_end_ts_ns"] = int(times[first["threshold"][0]])
    else:
        row["outcome"] = "CHOP" if ts[-1] >= t0 + horizon else "UNDEFINED"
        row["label_end_ts_ns"] = t0 + horizon
    up, down = (max(0.0, float(x.max())) if x.size else None for x in (moves, -moves))
    row |= {"excursion_max": up, "excursion_min": down}
    row["strength_signed"] = None if up is None or down is None else up - down
    row["strength_abs"] = None if up is None or down is None else max(up, down)
    row["future_price"] = float(price[end - 1]) if moves.size else None
    row["label_first_source_ts_ns"] = int(times[0]) if moves.size else None
    row["label_last_source_ts_ns"] = int(times[-1]) if moves.size else None
    position = sign * (event["spot"] - level)
    volatility = event["rth_volatility"]
    null = first_passage_probabilities(
        thresholds[1] - position,
        thresholds[1] + position,
        np.nan if volatility is None else volatility,
        VARS["horizon_minutes"],
    )
    for name, value in zip(("break", "bounce", "chop"), null, strict=True):
        row[f"null_p_{name}"] = None if np.isnan(value) else float(value)
    return row
