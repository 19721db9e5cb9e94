"""Motion of the price towards the level (definitions, section 6, "Kinematics")."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from reference.clock import SECOND_NS
from reference.constants import DEFAULTS, Constants
from reference.trades import Trade


class PriceHistory:
    """S(t), the last price of the front month's ordered trades at or before t."""

    def __init__(self, trades: Sequence[Trade]) -> None:
        self._times = [trade.ts_ns for trade in trades]
        self._prices = [trade.price for trade in trades]

    def at(self, ts_ns: int) -> float | None:
        """Points; None before the first trade of the trade date."""
        traded = bisect_right(self._times, ts_ns)
        return self._prices[traded - 1] if traded else None


def kinematics(
    event: Mapping[str, Any], prices: PriceHistory, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Position (points), its derivatives by seconds, and the square of the velocity.

    `position` is that of the last trade at t0, which is not the event's own where several trades
    share its timestamp.
    """
    t0 = event["event_ts_ns"]

    def position(ts_ns: int) -> float | None:
        price = prices.at(ts_ns)
        return None if price is None else event["dir_sign"] * (price - event["level_price"])

    features: dict[str, Any] = {"position": position(t0)}
    for h in constants.kinematics_windows_s:
        p0, p1, p2, p3 = (position(t0 - k * h * SECOND_NS) for k in range(4))
        velocity, acceleration, jerk = derivatives(p0, p1, p2, p3, h)
        # A flag of which one half is unknown is unknown, whatever the other half says.
        decelerating = (
            None if acceleration is None or velocity is None else velocity > 0 and acceleration < 0
        )
        features |= {
            f"velocity_{h}s": velocity,
            f"acceleration_{h}s": acceleration,
            f"jerk_{h}s": jerk,
            f"kinetic_energy_{h}s": None if velocity is None else velocity**2,
            f"is_decelerating_{h}s": decelerating,
        }
    return features


def derivatives(
    p0: float | None, p1: float | None, p2: float | None, p3: float | None, h: int
) -> tuple[float | None, float | None, float | None]:
    """Backward differences of positions 0, h, 2h and 3h seconds ago; None where one is missing."""
    if p0 is None or p1 is None:
        return None, None, None
    velocity = (p0 - p1) / h
    if p2 is None:
        return velocity, None, None
    acceleration = (p0 - 2 * p1 + p2) / h**2
    if p3 is None:
        return velocity, acceleration, None
    return velocity, acceleration, (p0 - 3 * p1 + 3 * p2 - p3) / h**3
