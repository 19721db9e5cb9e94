"""One row per session and feature: how far its last sessions differ from those before."""

import numpy as np
import pyarrow as pa

from es_physics.quant.population_stability import population_stability


def model(dbt, session):
    """The population stability index over the windows of `int_drift_windows`."""
    matrix = dbt.ref("event_matrix").order("session_date, event_id").to_arrow_table()
    windows = dbt.ref("int_drift_windows").order("session_date, window_date").to_arrow_table()
    features = [name for name in matrix.column_names if name not in ("event_id", "session_date")]
    values = np.empty((len(features), matrix.num_rows))
    for row, feature in enumerate(features):
        values[row] = matrix[feature].to_numpy()

    # A window's sessions follow one another, and so do their events.
    day_of = matrix["session_date"].to_numpy()
    stamped, window_date, is_current = (
        windows[name].to_numpy() for name in ("session_date", "window_date", "is_current")
    )
    begins = np.searchsorted(day_of, window_date, side="left")
    ends = np.searchsorted(day_of, window_date, side="right")
    found = []
    for day in np.unique(stamped):
        before, now = ((stamped == day) & (is_current == side) for side in (False, True))
        reference = values[:, begins[before][0] : ends[before][-1]]
        current = values[:, begins[now][0] : ends[now][-1]]
        if reference.shape[1] and current.shape[1]:
            one = population_stability(reference, current)
            found.append((day, one.psi, one.bins, reference.shape[1], current.shape[1]))
    days, psi, bins, n_reference, n_current = zip(*found, strict=True) if found else ((),) * 5
    return pa.table(
        {
            "session_date": np.repeat(np.array(days, "datetime64[D]"), len(features)),
            "feature": pa.array(features * len(days), pa.string()),
            "psi": np.ravel(psi).astype(np.float64),
            "bins": np.ravel(bins).astype(np.int64),
            "n_reference": np.repeat(np.array(n_reference, np.int64), len(features)),
            "n_current": np.repeat(np.array(n_current, np.int64), len(features)),
        }
    )
