"""One row per session and state of the best level: where the mid was expected to settle before."""

import numpy as np
import pyarrow as pa

from es_physics.quant.microprice import expected_moves

SPREADS = 2


def model(dbt, session):
    """The chain of `int_prior_microprice_counts`, session by session; state (i, spread)."""
    counts = (
        dbt.ref("int_prior_microprice_counts")
        .order("session_date, i_from, spread_from, dh, i_to, spread_to")
        .to_arrow_table()
    )
    column = {name: counts[name].to_numpy() for name in counts.column_names}
    start = (column["i_from"] - 1) * SPREADS + column["spread_from"] - 1
    end = (column["i_to"] - 1) * SPREADS + column["spread_to"] - 1
    dates, first, size = np.unique(column["session_date"], return_index=True, return_counts=True)
    rows = {"session_date": [], "i": [], "spread": [], "g_ticks": []}
    for day, begin, length in zip(dates.tolist(), first, size, strict=True):
        of_day = slice(begin, begin + length)
        moves = expected_moves(
            start[of_day],
            column["dh"][of_day],
            end[of_day],
            column["n"][of_day],
            10 * SPREADS,
        )
        if moves is not None:
            (known,) = np.nonzero(np.isfinite(moves))
            rows["session_date"] += [day] * known.size
            rows["i"] += (known // SPREADS + 1).tolist()
            rows["spread"] += (known % SPREADS + 1).tolist()
            rows["g_ticks"] += moves[known].tolist()
    types = {"session_date": pa.date32(), "i": pa.int64(), "spread": pa.int64()}
    return pa.table(
        {name: pa.array(values, types.get(name, pa.float64())) for name, values in rows.items()}
    )
