"""Order flow as force, displayed size as mass (definitions, section 6, "F = ma")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference.book import Book, mean_over_rows
from reference.clock import SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.kinematics import PriceHistory, derivatives
from reference.order_flow import OrderFlow, integrated_ofi

WINDOW_S = 60
"""The one window of force, mass, acceleration_60s and velocity_60s."""


@dataclass(frozen=True)
class MinuteMark:
    """What a minute mark adds to the fits, all up-positive; None where it is not known."""

    ts_ns: int
    force_per_mass: float | None
    acceleration: float | None
    velocity: float | None


@dataclass(frozen=True)
class Fit:
    """A least-squares line through the origin: its slope, and 1 - SSR / sum y^2."""

    slope: float
    r2: float | None


def force_and_mass(
    book: Book, flow: OrderFlow, ts_ns: int, constants: Constants = DEFAULTS
) -> tuple[float | None, float | None]:
    """Up-positive force (contracts per second) and mass (contracts) of the window to `ts_ns`."""
    rows = book.window(ts_ns, WINDOW_S)
    if rows.start == rows.stop:
        return None, None
    force = integrated_ofi(flow, rows, constants) / WINDOW_S
    return force, mean_over_rows(book.size_per_level[rows])


def minute_marks(
    clock: SessionClock,
    prices: PriceHistory,
    book: Book,
    flow: OrderFlow,
    constants: Constants = DEFAULTS,
) -> list[MinuteMark]:
    """Every minute after the open, up to the last anchor."""
    marks = []
    for ts_ns in clock.minute_marks_ns:
        s0, s1, s2 = (prices.at(ts_ns - k * WINDOW_S * SECOND_NS) for k in range(3))
        # The level is the same in every position and drops out of their differences.
        velocity, acceleration, _ = derivatives(s0, s1, s2, None, WINDOW_S)
        force, mass = force_and_mass(book, flow, ts_ns, constants)
        ratio = force / mass if force is not None and mass else None
        marks.append(MinuteMark(ts_ns, ratio, acceleration, velocity))
    return marks


def fit_through_origin(
    pairs: Sequence[tuple[float | None, float | None]], constants: Constants = DEFAULTS
) -> Fit | None:
    """y = slope * x over the pairs (x, y) that are known; None where they are too few or all 0."""
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    sum_xx = math.fsum(x * x for x, _ in known)
    if len(known) < constants.force_mass_min_marks or not sum_xx > 0:
        return None
    slope = math.fsum(x * y for x, y in known) / sum_xx
    sum_yy = math.fsum(y * y for _, y in known)
    residual = math.fsum((y - slope * x) ** 2 for x, y in known)
    return Fit(slope, 1 - residual / sum_yy if sum_yy > 0 else None)


def force_mass(
    event: Mapping[str, Any],
    kinematics: Mapping[str, Any],
    book: Book,
    flow: OrderFlow,
    marks: Sequence[MinuteMark],
    constants: Constants = DEFAULTS,
) -> dict[str, Any]:
    """Force, mass and what they predict, aligned with the event's direction.

    `kinematics` are the event's own; `marks` those of the session, of which the ones up to t0
    are used.
    """
    t0 = event["event_ts_ns"]
    force, mass = force_and_mass(book, flow, t0, constants)
    if force is not None:
        force *= event["dir_sign"]
    ratio = force / mass if force is not None and mass else None

    known = [mark for mark in marks if mark.ts_ns <= t0]
    acceleration = fit_through_origin(
        [(mark.force_per_mass, mark.acceleration) for mark in known], constants
    )
    velocity = fit_through_origin(
        [(mark.force_per_mass, mark.velocity) for mark in known], constants
    )
    # Only the acceleration has a constant to fall back to.
    k = acceleration.slope if acceleration else constants.force_mass_scale
    predicted_accel = None if ratio is None else k * ratio
    predicted_velocity = None if ratio is None or velocity is None else velocity.slope * ratio
    return {
        "force": force,
        "mass": mass,
        "force_mass_ratio": ratio,
        "predicted_accel": predicted_accel,
        "accel_residual": _difference(kinematics[f"acceleration_{WINDOW_S}s"], predicted_accel),
        "force_mass_k": k,
        "force_mass_r2": acceleration.r2 if acceleration else None,
        "predicted_velocity": predicted_velocity,
        "velocity_residual": _difference(kinematics[f"velocity_{WINDOW_S}s"], predicted_velocity),
        "force_mass_velocity_k": velocity.slope if velocity else None,
        "force_mass_velocity_r2": velocity.r2 if velocity else None,
    }


def _difference(observed: float | None, predicted: float | None) -> float | None:
    return None if observed is None or predicted is None else observed - predicted
