"""One row per session and level of the book: its weight in the flow that varied most before."""

import numpy as np
import pyarrow as pa

from es_physics.quant.principal_component import first_component


def model(dbt, session):
    """The first principal component of `int_prior_ofi_moments`, session by session."""
    moments = dbt.ref("int_prior_ofi_moments").order("session_date, m, n").to_arrow_table()
    dates, first, size = np.unique(
        moments["session_date"].to_numpy(), return_index=True, return_counts=True
    )
    m, n = moments["m"].to_numpy(), moments["n"].to_numpy()
    total = moments["total"].to_numpy()
    columns = {"session_date": [], "m": [], "weight": [], "explained": []}
    for day, begin, length in zip(dates.tolist(), first, size, strict=True):
        sums = np.zeros((11, 11))
        rows = slice(begin, begin + length)
        sums[m[rows], n[rows]] = total[rows]
        found = first_component(sums[0, 0], sums[1:, 0], sums[1:, 1:])
        if found is not None:
            columns["session_date"] += [day] * 10
            columns["m"] += range(1, 11)
            columns["weight"] += found.weights.tolist()
            columns["explained"] += [found.explained] * 10
    types = {"session_date": pa.date32(), "m": pa.int64()}
    return pa.table(
        {name: pa.array(rows, types.get(name, pa.float64())) for name, rows in columns.items()}
    )
