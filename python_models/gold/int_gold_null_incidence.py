"""One row per target, stratum, tenth second and cause: what a random walk would have reached."""

import numpy as np
import pyarrow as pa

from es_physics.quant.null_incidence import null_incidence

EVERY_S = 10


def model(dbt, session):
    """The mean over the windows of `int_incidence_windows`, all of them and by stratum."""
    params = dbt.ref("gold_params").to_arrow_table().to_pylist()[0]
    windows = dbt.ref("int_incidence_windows").order("target, event_id").to_arrow_table()
    target, stratum = (np.array(windows[name].to_pylist(), str) for name in ("target", "stratum"))
    seconds = np.arange(0, round(60 * params["horizon_minutes"]) + 1, EVERY_S)
    up, down, volatility = (
        windows[name].to_numpy()
        for name in ("to_break_points", "to_bounce_points", "rth_volatility")
    )
    reached = null_incidence(up, down, volatility, seconds)

    means = []
    for name in np.unique(target):
        is_target = target == name
        strata = {"ALL": is_target}
        strata |= {one: is_target & (stratum == one) for one in np.unique(stratum[is_target])}
        for one, is_in in strata.items():
            for cause, curves in (("BREAK", reached.up), ("BOUNCE", reached.down)):
                means.append((str(name), str(one), cause, curves[is_in].mean(axis=0)))
    rows = [
        (name, one, int(second), cause, float(mean))
        for name, one, cause, curve in means
        for second, mean in zip(seconds, curve, strict=True)
    ]
    types = {
        "target": pa.string(),
        "stratum": pa.string(),
        "second": pa.int64(),
        "cause": pa.string(),
        "null_incidence": pa.float64(),
    }
    columns = zip(*rows, strict=True) if rows else ([] for _ in types)
    return pa.table(
        {
            name: pa.array(column, kind)
            for (name, kind), column in zip(types.items(), columns, strict=True)
        }
    )
