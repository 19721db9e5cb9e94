"""Where all levels lie (definitions, section 6, "Level distances")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference.constants import DEFAULTS, Constants
from reference.levels import Level, LevelHistory, kind_names

STACKING_POINTS = (2, 5, 10)


def level_distances(
    event: Mapping[str, Any], levels: Sequence[Level], constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Signed distance of the event's price to each kind's level, in points and in ATRs.

    And how many other kinds' levels lie near the event's.
    """
    spot, atr = event["spot"], event["atr"]
    valid = {
        kind: LevelHistory(levels, kind).at(event["event_ts_ns"]) for kind in kind_names(constants)
    }
    features: dict[str, Any] = {}
    for kind, price in valid.items():
        distance = None if price is None else spot - price
        name = f"dist_to_{kind.lower()}"
        features[name] = distance
        features[f"{name}_atr"] = distance / atr if distance is not None and atr else None
    others = [
        price for kind, price in valid.items() if kind != event["level_kind"] and price is not None
    ]
    for points in STACKING_POINTS:
        features[f"level_stacking_{points}pt"] = sum(
            abs(price - event["level_price"]) <= points for price in others
        )
    return features
