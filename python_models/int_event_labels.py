"""One row per event: what the trades of the next minutes did, and the null model beside it."""

import pyarrow as pa

from es_physics.quant.first_passage import first_passage_probabilities
from es_physics.quant.triple_barrier import triple_barrier_labels
from es_physics.quant.uniqueness import average_uniqueness

NS_PER_MINUTE = 60_000_000_000


def model(dbt, session):
    """Labels from `int_front_trades` after each anchor of `int_zone_entries`."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    events = dbt.ref("int_zone_entries").order("event_id").to_arrow_table()
    trades = dbt.ref("int_front_trades").order("trade_nr").to_arrow_table()

    event_ts_ns = events["event_ts_ns"].to_numpy()
    level = events["level_price"].to_numpy()
    dir_sign = events["dir_sign"].to_numpy()
    labels = triple_barrier_labels(
        event_ts_ns,
        level,
        dir_sign,
        trades["ts_ns"].to_numpy(),
        trades["price"].to_numpy(),
        horizon_ns=params["horizon_ns"],
        outcome_threshold=params["outcome_threshold"],
        strength_threshold=params["strength_threshold"],
    )
    # In the frame of the approach: break lies ahead, bounce behind.
    spot = events["spot"].to_numpy()
    reach = dir_sign * params["outcome_threshold"]
    null = first_passage_probabilities(
        dir_sign * (level + reach - spot),
        dir_sign * (spot - (level - reach)),
        events["rth_volatility"].to_numpy(),
        params["horizon_ns"] / NS_PER_MINUTE,
    )
    columns = vars(labels) | {
        "null_p_break": null.up,
        "null_p_bounce": null.down,
        "null_p_chop": null.neither,
        "uniqueness": average_uniqueness(event_ts_ns, labels.label_end_ts_ns),
    }
    table = events.select(["event_id", "session_date"])
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, from_pandas=True))
    return table
