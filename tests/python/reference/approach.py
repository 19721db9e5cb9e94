"""How the price came to the level, by completed minutes (definitions, section 6, "Approach")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from reference.bars import Bar
from reference.clock import MINUTE_NS
from reference.constants import DEFAULTS, Constants


def approach(
    event: Mapping[str, Any],
    events_before: Sequence[Mapping[str, Any]],
    bars_1m: Sequence[Bar],
    constants: Constants = DEFAULTS,
) -> dict[str, Any]:
    """Velocity (points per minute), bars and distance (points) of the approach, prior touches.

    `events_before` are the session's events that come before it in order; `bars_1m` are in order,
    premarket included.
    """
    t0, sign = event["event_ts_ns"], event["dir_sign"]
    bars = completed_bars(t0, bars_1m, constants)
    # Signed so that plus is towards the level and beyond.
    changes = [sign * (later.close - earlier.close) for earlier, later in pairwise(bars)]
    towards = 0
    for change in reversed(changes):
        if change <= 0:
            break
        towards += 1
    velocity = distance = None
    if bars:
        distance = abs(bars[-1].close - bars[0].close)
    if len(bars) >= 2:
        minutes = (bars[-1].end_ns - bars[0].end_ns) / MINUTE_NS
        velocity = sign * (bars[-1].close - bars[0].close) / minutes
    return {
        "approach_velocity": velocity,
        "approach_bars": towards,
        "approach_distance": distance,
        "prior_touches": sum(
            earlier["level_kind"] == event["level_kind"] for earlier in events_before
        ),
    }


def completed_bars(t0: int, bars_1m: Sequence[Bar], constants: Constants = DEFAULTS) -> list[Bar]:
    """The bars whose end lies in the lookback window, which is closed at t0."""
    begin = t0 - constants.approach_lookback_minutes * MINUTE_NS
    return [bar for bar in bars_1m if begin < bar.end_ns <= t0]
