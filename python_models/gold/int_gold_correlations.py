"""One row per feature: how its ranks go with those of the move to come, and of the one before."""

import numpy as np
import pyarrow as pa

from es_physics.quant.rank_correlation import mean_over_sessions, rank_correlations
from es_physics.quant.significance import benjamini_hochberg, two_sided_p

MIN_PAIRS = 10
MIN_SESSIONS = 10
MOVES = ["move_points", "past_move_points"]


def model(dbt, session):
    """Spearman within the sessions of `event_matrix`, against the moves of `int_gold_moves`."""
    matrix, moves = dbt.ref("event_matrix"), dbt.ref("int_gold_moves")
    rows = matrix.join(moves, "event_id").order("session_date, event_id").to_arrow_table()
    features = [name for name in matrix.columns if name not in ("event_id", "session_date")]
    values = np.empty((rows.num_rows, len(features)))
    for column, feature in enumerate(features):
        values[:, column] = rows[feature].to_numpy()
    _, first = np.unique(rows["session_date"].to_numpy(), return_index=True)
    sessions = np.split(np.arange(rows.num_rows), first[1:])

    future, past = (
        mean_over_sessions(
            np.reshape(
                [rank_correlations(values[one], move[one], MIN_PAIRS) for one in sessions],
                (-1, len(features)),
            )
        )
        for move in (rows[name].to_numpy() for name in MOVES)
    )
    p = two_sided_p(future.t, np.maximum(future.sessions - 1, 1))
    q = benjamini_hochberg(np.where(future.sessions >= MIN_SESSIONS, p, np.nan))
    columns = {
        "feature": features,
        "sessions": future.sessions,
        "ic": future.mean,
        "t": future.t,
        "q": q,
        "past_sessions": past.sessions,
        "past_ic": past.mean,
        "past_t": past.t,
    }
    return pa.table({name: pa.array(one, from_pandas=True) for name, one in columns.items()})
