"""One row per candidate and stratum: between which bounds its skill and its lead on `full` lie."""

from functools import lru_cache

import numpy as np
import pyarrow as pa

from es_physics.quant.session_resampling import interval, resampled_sums, times_drawn

KEY = ["candidate_nr", "stratum_kind", "stratum"]
BOUNDS = ["skill_low", "skill_high", "difference_low", "difference_high"]


def model(dbt, session):
    """Sessions of `int_session_gains` as `int_session_draws` has them, alike for all compared."""
    keys = ", ".join(KEY)
    sessions = dbt.ref("int_session_gains").join(dbt.ref("int_stratum_gains").project(keys), keys)
    table = sessions.order(f"{keys}, session_date").to_arrow_table()
    candidates = dbt.ref("int_candidates").order("candidate_nr").to_arrow_table().to_pylist()
    full_of = {row["candidate_nr"]: row["full_nr"] for row in candidates}

    columns = [table[name].to_pylist() for name in KEY]
    rows_of = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        rows_of.setdefault(key, []).append(row)
    dates, loss, null_loss = (
        table[name].to_numpy() for name in ("session_date", "loss", "loss_null_calibrated")
    )
    draws = dbt.ref("int_session_draws").order("resample, place").to_arrow_table()
    places = len(draws["place"].unique())
    numbers = draws["number"].to_numpy().reshape(-1, max(places, 1))
    # Strata of as many sessions, one after the other, are drawn alike.
    times_of = lru_cache(maxsize=2)(lambda sessions: times_drawn(numbers, sessions))

    def skills(rows):
        times = times_of(len(rows))
        return 1 - resampled_sums(times, loss[rows]) / resampled_sums(times, null_loss[rows])

    found = []
    for key, rows in sorted(rows_of.items(), key=lambda item: (len(item[1]), item[0])):
        candidate, kind, stratum = key
        bounds = [*interval(skills(rows)), None, None]
        full_rows = rows_of.get((full_of[candidate], kind, stratum))
        if kind == "all" and full_rows:
            # The sessions of both.
            _, own, others = np.intersect1d(dates[rows], dates[full_rows], return_indices=True)
            if own.size:
                own, others = np.array(rows)[own], np.array(full_rows)[others]
                bounds[2:] = interval(skills(own) - skills(others))
        found.append((*key, *bounds))
    types = [pa.int64(), pa.string(), pa.string(), *[pa.float64()] * len(BOUNDS)]
    values = list(zip(*found, strict=True)) or [()] * len(types)
    return pa.table(
        {
            name: pa.array(column, kind)
            for name, column, kind in zip([*KEY, *BOUNDS], values, types, strict=True)
        }
    )
