"""One row per zone entry, real or placebo: what trades did in the next minutes, and the null."""

import numpy as np
import pyarrow as pa

from es_physics.quant.first_passage import first_passage_probabilities
from es_physics.quant.scaled_barriers import scaled_barrier
from es_physics.quant.triple_barrier import triple_barrier_labels
from es_physics.quant.uniqueness import average_uniqueness

NS_PER_MINUTE = 60_000_000_000


def model(dbt, session):
    """Labels from `int_front_trades` after each anchor of `int_zone_entries`."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    entries = dbt.ref("int_zone_entries").order("event_id").to_arrow_table()
    trades = dbt.ref("int_front_trades").order("trade_nr").select("ts_ns", "price")
    ts_ns, price = trades.to_arrow_table().columns
    trade_ts_ns, trade_price = ts_ns.to_numpy(), price.to_numpy()

    event_ts_ns = entries["event_ts_ns"].to_numpy()
    placebo_nr = entries["placebo_nr"].to_numpy()
    level = entries["level_price"].to_numpy()
    dir_sign = entries["dir_sign"].to_numpy()
    spot = entries["spot"].to_numpy()
    volatility = entries["rth_volatility"].to_numpy()
    horizon_minutes = params["horizon_ns"] / NS_PER_MINUTE

    def labels_at(threshold):
        return triple_barrier_labels(
            event_ts_ns,
            level,
            dir_sign,
            trade_ts_ns,
            trade_price,
            horizon_ns=params["horizon_ns"],
            outcome_threshold=threshold,
            strength_threshold=params["strength_threshold"],
        )

    def null_at(threshold):
        # In the frame of the approach: break lies ahead, bounce behind.
        reach = dir_sign * threshold
        return first_passage_probabilities(
            dir_sign * (level + reach - spot),
            dir_sign * (spot - (level - reach)),
            volatility,
            horizon_minutes,
        )

    labels, null = labels_at(params["outcome_threshold"]), null_at(params["outcome_threshold"])
    atr = np.where(entries["atr"].to_numpy() > 0, entries["atr"].to_numpy(), np.nan)
    columns = vars(labels) | {
        "null_p_break": null.up,
        "null_p_bounce": null.down,
        "null_p_chop": null.neither,
        "null_p_tradeable_1": 1 - null_at(params["strength_threshold"]).neither,
        "mfe_atr": labels.excursion_max / atr,
        "mae_atr": labels.excursion_min / atr,
    }
    for multiple in params["scaled_barriers"]:
        barrier = scaled_barrier(multiple, volatility, horizon_minutes)
        known = np.isfinite(barrier)
        scaled = labels_at(np.where(known, barrier, 1.0))
        scaled_null = null_at(barrier)
        x = f"{round(100 * multiple):03}"
        columns |= {
            f"scaled_barrier_{x}": barrier,
            f"scaled_outcome_{x}": np.where(known, scaled.outcome, None),
            f"scaled_time_{x}": np.where(known, scaled.time_to_threshold_2, np.nan),
            f"scaled_null_p_break_{x}": scaled_null.up,
            f"scaled_null_p_bounce_{x}": scaled_null.down,
            f"scaled_null_p_chop_{x}": scaled_null.neither,
        }

    # The labels of one placebo number are as crowded as the real ones: each number for itself.
    uniqueness = np.empty(len(entries))
    for number in np.unique(placebo_nr):
        chosen = placebo_nr == number
        uniqueness[chosen] = average_uniqueness(event_ts_ns[chosen], labels.label_end_ts_ns[chosen])

    table = entries.select(["event_id", "session_date", "placebo_nr"])
    for name, values in (columns | {"uniqueness": uniqueness}).items():
        # Of strings that are all unknown pyarrow could not tell that they are strings.
        kind = pa.string() if values.dtype.kind in "OU" else None
        table = table.append_column(name, pa.array(values, kind, from_pandas=True))
    return table
