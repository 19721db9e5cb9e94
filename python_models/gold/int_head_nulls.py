"""One row per event: how likely a random walk reaches each barrier within each time."""

import numpy as np
import pyarrow as pa

from es_physics.quant.first_passage import first_passage_probabilities

SECONDS = (60, 120, 180, 300)


def model(dbt, session):
    """One barrier at a time, from where the price of `stg_silver__level_events` stood."""
    params = dbt.ref("gold_params").to_arrow_table().to_pylist()[0]
    events = dbt.ref("stg_silver__level_events").order("event_id").to_arrow_table()
    position = events["dir_sign"].to_numpy() * (
        events["spot"].to_numpy() - events["level_price"].to_numpy()
    )
    table = events.select(["event_id"])
    for number, points in ((1, params["strength_threshold"]), (2, params["outcome_threshold"])):
        for side, distance in (("break", points - position), ("bounce", points + position)):
            for seconds in SECONDS:
                reached = first_passage_probabilities(
                    distance, np.inf, events["rth_volatility"].to_numpy(), seconds / 60
                ).up
                table = table.append_column(
                    f"{side}_{number}_{seconds}s", pa.array(reached, from_pandas=True)
                )
    return table
