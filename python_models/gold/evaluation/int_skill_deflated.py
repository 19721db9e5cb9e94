"""One row per candidate and stratum: how likely its gain is real, given how many were tried."""

import pyarrow as pa

from es_physics.quant.deflated_ratio import deflated_ratio

KEY = ["candidate_nr", "stratum_kind", "stratum"]


def model(dbt, session):
    """The ratios of `int_stratum_gains`, beside the trials on the same target."""
    gains = dbt.ref("int_stratum_gains").join(dbt.ref("int_candidate_trials"), "candidate_nr")
    table = gains.order(", ".join(KEY)).to_arrow_table()
    ratio, sessions, skewness, kurtosis, trials = (
        table[name].to_numpy().astype(float)
        for name in ("gain_ratio", "sessions", "skewness", "kurtosis", "trials")
    )
    # The variance of the ratio of so many sessions without skill: that of real candidates would
    # hold the effect itself, and hide it.
    deflated = deflated_ratio(ratio, sessions, skewness, kurtosis, trials, 1 / sessions)
    return table.select(KEY).append_column("deflated", pa.array(deflated, from_pandas=True))
