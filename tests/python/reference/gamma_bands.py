"""Gamma around an event's level, and what it does to a move (sections 6, "Fuel", and 7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from reference.clock import SessionClock
from reference.constants import DEFAULTS, Constants
from reference.options import Chain

BANDS = (1, 2, 3)
"""Heights of the bands, in strikes."""
NET_BANDS = (2, 3)

Rows = Sequence[Mapping[str, Any]]
"""The grid's rows of one minute mark."""
Placed = tuple[float, str, float]
"""Points above the level, right (C or P), value."""


def gamma_columns() -> dict[str, pl.DataType]:
    """Names and types of `gamma_features`, in order."""
    real = pl.Float64()
    names = [
        f"{prefix}gex_{side}_{b}strike"
        for prefix in ("", "call_", "put_", "flow_")
        for side in ("above", "below")
        for b in BANDS
    ]
    names += [f"{prefix}net_gex_{b}strike" for prefix in ("", "flow_") for b in NET_BANDS]
    names += ["gex_asymmetry", "gex_ratio", "flow_gex_asymmetry", "gamma_exposure"]
    return dict.fromkeys(names, real) | {
        "fuel_effect": pl.String(),
        "calendar_basis": real,
        "option_source_ts_ns": pl.Int64(),
    }


def marks_of(grid: pl.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """The rows of a `gamma_by_strike` table by their minute mark."""
    marks: dict[int, list[dict[str, Any]]] = {}
    for row in grid.iter_rows(named=True):
        marks.setdefault(row["tau_ns"], []).append(row)
    return marks


def gamma_features(
    event: Mapping[str, Any],
    clock: SessionClock,
    marks: Mapping[int, Rows],
    chain: Chain,
    constants: Constants = DEFAULTS,
) -> dict[str, Any]:
    """The columns of `gamma_columns`, from the last minute mark at or before the event.

    NULL before the first mark, and without options.
    """
    tau = max(
        (mark for mark in clock.minute_marks_ns if mark <= event["event_ts_ns"]), default=None
    )
    if tau is None:
        return dict.fromkeys(gamma_columns())
    rows = marks.get(tau, [])
    exposure = gamma_exposure(rows, event["level_price"], constants)
    return {
        **bands(rows, event["level_price"], constants),
        "gamma_exposure": exposure,
        "fuel_effect": fuel_effect(exposure, constants),
        "calendar_basis": nearest_basis(rows),
        "option_source_ts_ns": chain.newest_source(tau),
    }


def bands(rows: Rows, level: float, constants: Constants = DEFAULTS) -> dict[str, float | None]:
    """Sums of gamma exposure over the strikes near a level (US dollars per percent)."""
    columns: dict[str, float | None] = {}
    by_interest, by_flow = placed(rows, level, "oi_gex"), placed(rows, level, "flow_gex")
    for b in BANDS:
        height = b * constants.strike_spacing
        for side, contains in (("above", is_above), ("below", is_below)):
            name = f"gex_{side}_{b}strike"
            columns[name] = total(by_interest, contains, height)
            columns[f"call_{name}"] = total(by_interest, contains, height, "C")
            columns[f"put_{name}"] = total(by_interest, contains, height, "P")
            columns[f"flow_{name}"] = total(by_flow, contains, height)
    for b in NET_BANDS:
        height = b * constants.strike_spacing
        columns[f"net_gex_{b}strike"] = total(by_interest, is_around, height)
        columns[f"flow_net_gex_{b}strike"] = total(by_flow, is_around, height)
    for prefix in ("", "flow_"):
        above = columns[f"{prefix}gex_above_3strike"]
        below = columns[f"{prefix}gex_below_3strike"]
        columns[f"{prefix}gex_asymmetry"] = (
            None if above is None or below is None else above - below
        )
    above, below = columns["gex_above_3strike"], columns["gex_below_3strike"]
    columns["gex_ratio"] = above / abs(below) if above is not None and below else None
    return columns


def placed(rows: Rows, level: float, quantity: str) -> list[Placed]:
    """The known values of a quantity, each with how far above the level its strike lies.

    Strikes are brought to the level's scale, the front month's, by the basis; while that is
    unknown so is the strike's place (NaN), and it lies in no band.
    """
    return [
        (
            math.nan
            if row["calendar_basis"] is None
            else row["strike"] + row["calendar_basis"] - level,
            row["right"],
            row[quantity],
        )
        for row in rows
        if row[quantity] is not None
    ]


def is_above(offset: float, height: float) -> bool:
    """Open at the level, closed at the far end."""
    return 0 < offset <= height


def is_below(offset: float, height: float) -> bool:
    """Closed at the far end, open at the level."""
    return -height <= offset < 0


def is_around(offset: float, height: float) -> bool:
    """Closed at both ends, and the level itself is inside."""
    return abs(offset) <= height


def total(
    known: Sequence[Placed],
    contains: Callable[[float, float], bool],
    height: float,
    rights: str = "CP",
) -> float | None:
    """The sum over a band, 0 where no strike lies in it; None where nothing at all is known."""
    if not known:
        return None
    return math.fsum(
        value for offset, right, value in known if right in rights and contains(offset, height)
    )


def gamma_exposure(rows: Rows, level: float, constants: Constants = DEFAULTS) -> float | None:
    """ES contracts that dealers trade against a move per point of it; negative, along with it.

    It is their gamma: one option is one future.
    """
    products = [
        {**row, "gamma_position": row["gamma"] * row["dealer_net_position"]}
        for row in rows
        if row["gamma"] is not None and row["dealer_net_position"] is not None
    ]
    return total(placed(products, level, "gamma_position"), is_around, constants.fuel_strike_range)


def fuel_effect(exposure: float | None, constants: Constants = DEFAULTS) -> str | None:
    """Whether the dealers' hedging goes with a move or against it; NULL where nobody knows."""
    if exposure is None:
        return None
    if exposure < -constants.fuel_threshold_contracts_per_point:
        return "AMPLIFY"
    if exposure > constants.fuel_threshold_contracts_per_point:
        return "DAMPEN"
    return "NEUTRAL"


def nearest_basis(rows: Rows) -> float | None:
    """Front month less underlying (points) of the expiration that comes next; None after all."""
    alive = [row for row in rows if row["expiration"] > row["tau_ns"]]
    if not alive:
        return None
    nearest = min(alive, key=lambda row: (row["expiration"], row["instrument_id"]))
    basis = nearest["calendar_basis"]
    return None if basis is None else float(basis)
