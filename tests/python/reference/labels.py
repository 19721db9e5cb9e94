"""What happened after an event (definitions, section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl

from reference.clock import MINUTE_NS, SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.first_passage import first_passage_probability
from reference.trades import Trade, trades_between

LABELS_SCHEMA = {
    "event_id": pl.String,
    "session_date": pl.Date,
    "outcome": pl.String,
    "excursion_max": pl.Float64,
    "excursion_min": pl.Float64,
    "strength_signed": pl.Float64,
    "strength_abs": pl.Float64,
    "time_to_break_1": pl.Float64,
    "time_to_break_2": pl.Float64,
    "time_to_bounce_1": pl.Float64,
    "time_to_bounce_2": pl.Float64,
    "time_to_threshold_1": pl.Float64,
    "time_to_threshold_2": pl.Float64,
    "tradeable_1": pl.Boolean,
    "tradeable_2": pl.Boolean,
    "future_price": pl.Float64,
    "label_first_source_ts_ns": pl.Int64,
    "label_last_source_ts_ns": pl.Int64,
    "label_end_ts_ns": pl.Int64,
    "uniqueness": pl.Float64,
    "null_p_break": pl.Float64,
    "null_p_bounce": pl.Float64,
    "null_p_chop": pl.Float64,
}


def level_event_labels(
    events: pl.DataFrame, trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> pl.DataFrame:
    """The `level_event_labels` table, by `LABELS_SCHEMA`, one row per row of `events`.

    `events` follow `EVENTS_SCHEMA`; `trades` are the ordered front-month trades of the trade date.
    """
    rows = [_label(event, trades, constants) for event in events.iter_rows(named=True)]
    spans = [
        (start, row["label_end_ts_ns"])
        for start, row in zip(events["event_ts_ns"], rows, strict=True)
    ]
    for row, share in zip(rows, uniqueness(spans), strict=True):
        row["uniqueness"] = share
    return pl.DataFrame(rows, schema=LABELS_SCHEMA)


def _label(
    event: Mapping[str, Any], trades: Sequence[Trade], constants: Constants
) -> dict[str, Any]:
    """One label without its uniqueness, which needs the others."""
    t0, sign, level = event["event_ts_ns"], event["dir_sign"], event["level_price"]
    vertical, window = label_window(t0, trades, constants)

    row: dict[str, Any] = dict.fromkeys(LABELS_SCHEMA)
    row |= {"event_id": event["event_id"], "session_date": event["session_date"]}

    for number, threshold in ((1, constants.strength_threshold), (2, constants.outcome_threshold)):
        broke, bounced = touches(window, level, sign, threshold)
        # Places in the window, not times: trades that share a timestamp have an order too.
        touched = min((place for place in (broke, bounced) if place is not None), default=None)
        for name, place in (("break", broke), ("bounce", bounced), ("threshold", touched)):
            if place is not None:
                row[f"time_to_{name}_{number}"] = (window[place].ts_ns - t0) / SECOND_NS
        row[f"tradeable_{number}"] = touched is not None

    # From here on the touches are those of the second threshold, which decides the outcome.
    if touched is not None:
        row["outcome"] = "BREAK" if touched == broke else "BOUNCE"
        row["label_end_ts_ns"] = window[touched].ts_ns
    else:
        row["outcome"] = untouched(trades, vertical)
        row["label_end_ts_ns"] = vertical

    if window:
        # Excursions run over the whole window, beyond a touch, and never below zero.
        moves = [sign * (trade.price - level) for trade in window]
        row["excursion_max"] = max(0.0, max(moves))
        row["excursion_min"] = max(0.0, max(-move for move in moves))
        row["strength_signed"] = row["excursion_max"] - row["excursion_min"]
        row["strength_abs"] = max(row["excursion_max"], row["excursion_min"])
        row["future_price"] = window[-1].price
        row["label_first_source_ts_ns"] = window[0].ts_ns
        row["label_last_source_ts_ns"] = window[-1].ts_ns
    return row | null_model(event["spot"], level, sign, event["rth_volatility"], constants)


def label_window(
    t0: int, trades: Sequence[Trade], constants: Constants = DEFAULTS
) -> tuple[int, Sequence[Trade]]:
    """The vertical barrier (UTC nanoseconds), and the trades that a label reads.

    They come later than the anchor, so without its own timestamp; the vertical is included.
    """
    vertical = t0 + constants.horizon_minutes * MINUTE_NS
    return vertical, trades_between(trades, t0, vertical)


def touches(
    window: Sequence[Trade], level: float, sign: int, threshold: float
) -> tuple[int | None, int | None]:
    """Places in the window of the first touch of the break barrier, and of the bounce barrier."""
    return (
        _first_touch(window, level + sign * threshold, upwards=sign > 0),
        _first_touch(window, level - sign * threshold, upwards=sign < 0),
    )


def untouched(trades: Sequence[Trade], vertical: int) -> str:
    """The outcome without a touch: the trade date must have gone on to the vertical for a CHOP."""
    return "CHOP" if trades[-1].ts_ns >= vertical else "UNDEFINED"


def _first_touch(window: Sequence[Trade], barrier: float, upwards: bool) -> int | None:
    """Place in the window of the first trade at or beyond the barrier."""
    for place, trade in enumerate(window):
        if (trade.price >= barrier) if upwards else (trade.price <= barrier):
            return place
    return None


def null_model(
    spot: float,
    level: float,
    sign: int,
    volatility: float | None,
    constants: Constants = DEFAULTS,
    threshold: float | None = None,
) -> dict[str, float | None]:
    """Outcome probabilities of a driftless Brownian motion that starts at `spot`.

    `volatility` is in points per square root of a minute, prices are points, `sign` is +1 where
    the break barrier lies above. The barriers are `threshold` points from the level, or those of
    the outcome. All three are None where the volatility is unknown.
    """
    if threshold is None:
        threshold = constants.outcome_threshold
    to_break = sign * (level + sign * threshold - spot)
    to_bounce = sign * (spot - (level - sign * threshold))
    probabilities: tuple[float | None, float | None, float | None]
    if volatility is None:
        probabilities = (None, None, None)
    # A barrier that the spot has passed is reached at once, however little the price moves.
    elif to_break <= 0:
        probabilities = (1.0, 0.0, 0.0)
    elif to_bounce <= 0:
        probabilities = (0.0, 1.0, 0.0)
    elif volatility == 0:
        probabilities = (0.0, 0.0, 1.0)
    else:
        horizon = float(constants.horizon_minutes)
        p_break = first_passage_probability(to_break, to_bounce, volatility, horizon)
        p_bounce = first_passage_probability(to_bounce, to_break, volatility, horizon)
        probabilities = (p_break, p_bounce, max(0.0, 1.0 - p_break - p_bounce))
    return dict(zip(("null_p_break", "null_p_bounce", "null_p_chop"), probabilities, strict=True))


def uniqueness(spans: Sequence[tuple[int, int]]) -> list[float]:
    """Mean of 1 / (labels alive) over each span (t0, t1], nanoseconds; exact until the last step.

    The number alive can change only where some span begins or ends, so that the integral is a sum
    over the pieces between those instants (Lopez de Prado 2018, ch. 4, in continuous time).
    """
    instants = sorted({instant for span in spans for instant in span})
    pieces = []
    for begin, end in pairwise(instants):
        alive = sum(start <= begin and end <= stop for start, stop in spans)
        if alive:
            pieces.append((begin, end, Fraction(end - begin, alive)))
    shares = []
    for start, stop in spans:
        inside = [share for begin, end, share in pieces if start <= begin and end <= stop]
        shares.append(float(sum(inside, Fraction(0)) / (stop - start)))
    return shares
