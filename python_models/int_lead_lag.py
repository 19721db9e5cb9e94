"""One row per pair of prices and displacement: how far the future's changes go with the other's."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from es_physics.quant.hayashi_yoshida import best_lag, lead_lag

PAIRS = ("spx", "implied")
THETA_MS = np.arange(-2000, 2001, 50)
NS_PER_MS = 1_000_000


def model(dbt, session):
    """Hayashi-Yoshida of the series in `int_lead_lag_prices`."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    prices = dbt.ref("int_lead_lag_prices").order("series, ts_ns").to_arrow_table()

    def observed(series):
        rows = prices.filter(pc.equal(prices["series"], series))
        return rows["ts_ns"].to_numpy(), rows["price_units"].to_numpy()

    future, tables = observed("future"), []
    for pair in PAIRS:
        other = observed(pair)
        found = lead_lag(
            *future,
            *other,
            THETA_MS * NS_PER_MS,
            y_max_gap_ns=params["lead_lag_max_gap_ns"],
        )
        columns = {
            "pair": pa.repeat(pair, THETA_MS.size),
            "theta_ms": pa.array(THETA_MS),
            "rho": pa.array(found.rho, from_pandas=True),
            "y_changes": pa.repeat(max(other[0].size - 1, 0), THETA_MS.size),
            "is_lead": pa.array(best_lag(found.covariance, THETA_MS) == THETA_MS),
        }
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)
