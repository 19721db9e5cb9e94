"""One row per finest stratum of real events, target and class: how surprising its excess is."""

import numpy as np
import pyarrow as pa

from es_physics.quant.significance import benjamini_hochberg, two_sided_p

STRATUM = ["level_kind", "direction", "session_phase"]
KEY = ["target", "class", *STRATUM]


def model(dbt, session):
    """Benjamini-Hochberg within target and class, of the excesses of `int_outcome_excesses`."""
    is_finest = " and ".join(["not is_placebo", *(f"{name} is not null" for name in STRATUM)])
    excesses = dbt.ref("int_outcome_excesses").filter(is_finest).order(", ".join(KEY))
    table = excesses.to_arrow_table()
    t, sessions = (table[name].to_numpy().astype(float) for name in ("t", "sessions"))
    # A t is known from ten sessions on.
    p = two_sided_p(t, np.where(np.isnan(t), 1.0, sessions - 1))
    family = np.array(table["target"].to_pylist()) + np.array(table["class"].to_pylist())
    q = np.full(t.shape, np.nan)
    for name in np.unique(family):
        q[family == name] = benjamini_hochberg(p[family == name])
    return table.select(KEY).append_column("q", pa.array(q, from_pandas=True))
