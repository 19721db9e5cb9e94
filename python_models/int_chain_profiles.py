"""One row per minute mark with a priced chain: at-the-money volatility, skew and flip."""

import pyarrow as pa

from es_physics.quant.chain_profile import chain_profiles


def model(dbt, session):
    """Profiles of the strikes in `int_nearest_strikes` that have a volatility."""
    strikes = (
        dbt.ref("int_nearest_strikes")
        .filter("iv is not null and underlying_price is not null")
        .order("mark_ns, strike")
        .to_arrow_table()
    )

    profiles = chain_profiles(
        strikes["mark_ns"].to_numpy(),
        strikes["strike"].to_numpy(),
        strikes["iv"].to_numpy(),
        strikes["total_vol"].to_numpy(),
        strikes["is_quoted"].to_numpy(),
        strikes["net_open_interest"].to_numpy(),
        strikes["underlying_price"].to_numpy(),
    )
    return pa.table(
        {name: pa.array(values, from_pandas=True) for name, values in profiles._asdict().items()}
    )
