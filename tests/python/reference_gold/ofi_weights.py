"""Which mix of the ten levels' order flow varies most (definitions, section 21).

The first principal component, after Cont, Cucuringu & Zhang (2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.silver import Row, Silver, days_with_prior

LEVELS = range(1, 11)
WEIGHTS_SCHEMA = {
    "session_date": pl.Date,
    "m": pl.Int64,
    "weight": pl.Float64,
    "explained": pl.Float64,
}


def weights_of(totals: Mapping[tuple[int, int], float]) -> tuple[list[float], float] | None:
    """Weights of levels 1 to 10 and the share that they explain, from summed moments.

    `totals` are by (m, n) as `ofi_moments` has them. None where count, trace or the sum of the
    eigenvector is 0.
    """
    count = totals.get((0, 0), 0.0)
    if not count:
        return None
    mean = {m: totals[m, 0] / count for m in LEVELS}
    covariance = np.array(
        [[totals[m, n] / count - mean[m] * mean[n] for n in LEVELS] for m in LEVELS]
    )
    trace = math.fsum(covariance[m - 1, m - 1] for m in LEVELS)
    if trace == 0:
        return None
    values, vectors = np.linalg.eigh(covariance)
    vector = [float(part) for part in vectors[:, int(np.argmax(values))]]
    total = math.fsum(vector)
    if total == 0:
        return None
    size = math.fsum(abs(part) for part in vector) * (1 if total > 0 else -1)
    return [part / size for part in vector], float(max(values)) / trace


def summed(moments: Sequence[Row]) -> dict[tuple[int, int], float]:
    """Moments of several sessions, added up; a session without a mark has none to add."""
    parts: dict[tuple[int, int], list[float]] = {}
    for row in moments:
        parts.setdefault((row["m"], row["n"]), []).append(row["total"] or 0.0)
    return {key: math.fsum(values) for key, values in parts.items()}


def ofi_weights(silver: Silver, constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `ofi_weights` table, by `WEIGHTS_SCHEMA`: ten rows a session, or none."""
    moments = silver.by_date("ofi_moments")
    rows = []
    for day, before in days_with_prior(silver, constants):
        found = weights_of(summed([row for other in before for row in moments[other]]))
        if found is not None:
            weights, explained = found
            rows += [(day, m, weights[m - 1], explained) for m in LEVELS]
    return pl.DataFrame(rows, schema=WEIGHTS_SCHEMA, orient="row")


def ofi_pca_60s(event: Row, weights: Mapping[int, float]) -> float | None:
    """Contracts of order flow per contract of depth, up-positive; None where a part is unknown."""
    flows = [event[f"ofi_level_{m:02}_60s"] for m in LEVELS]
    if not weights or not event["mass"] or None in flows:
        return None
    return (
        math.fsum(weights[m] * flow for m, flow in zip(LEVELS, flows, strict=True))
        / (event["mass"])
    )
