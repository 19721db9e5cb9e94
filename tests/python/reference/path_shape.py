"""The last twenty minutes of price and flow as a few numbers (definitions, section 10).

The transform is the orthonormal DCT-II (Ahmed, Natarajan & Rao 1974, "Discrete cosine transform").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reference.clock import SECOND_NS
from reference.kinematics import PriceHistory
from reference.trades import Trade, signed_volume, trades_between

STEPS = 40
STEP_S = 30
COEFFICIENTS = 8


def cosine_coefficients(values: Sequence[float]) -> list[float]:
    """The first coefficients of the orthonormal DCT-II, in the unit of the values."""
    count = len(values)
    return [
        math.sqrt((1 if k == 0 else 2) / count)
        * math.fsum(x * math.cos(math.pi * (i + 0.5) * k / count) for i, x in enumerate(values))
        for k in range(COEFFICIENTS)
    ]


def path_features(
    event: Mapping[str, Any], prices: PriceHistory, trades: Sequence[Trade]
) -> dict[str, float | None]:
    """Shape of the position (points) and of the signed volume (contracts), oldest step first."""
    t0, sign, level = event["event_ts_ns"], event["dir_sign"], event["level_price"]
    ends = [t0 - (STEPS - 1 - i) * STEP_S * SECOND_NS for i in range(STEPS)]
    known = [price for price in map(prices.at, ends) if price is not None]
    shape: Sequence[float | None] = [None] * COEFFICIENTS
    if len(known) == STEPS:
        shape = cosine_coefficients([sign * (price - level) for price in known])
    flow = [
        sign * signed_volume(trades_between(trades, end - STEP_S * SECOND_NS, end)) for end in ends
    ]
    return {f"path_dct_{k}": c for k, c in enumerate(shape)} | {
        f"flow_dct_{k}": c for k, c in enumerate(cosine_coefficients(flow))
    }
