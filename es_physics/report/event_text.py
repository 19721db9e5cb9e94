"""An event in words and numbers with units: for the tooltip, the card beside the chart, the table.

NULL is unknown and shown as a dash, never as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from es_physics.report.markup import pairs_html

UNKNOWN = "–"
MINUS = "\N{MINUS SIGN}"


class Fact(NamedTuple):
    """How one column of an event is shown: its name, its unit and its number."""

    label: str
    column: str
    unit: str = ""
    decimals: int = 2
    signed: bool = False
    scale: float = 1.0
    short: str = ""
    """The name where there is little room; `label` if empty."""
    heading_unit: str = ""
    """What stands below the name of a column or an axis; `unit` if empty."""
    at_zero: str = ""
    """What is said instead of 0; the number if empty."""

    @property
    def title(self) -> str:
        """The name that has room over a column or beside an axis."""
        return self.short or self.label

    @property
    def subtitle(self) -> str:
        """The unit below it."""
        return self.heading_unit or self.unit


DEPTH_BINS = {"best": "0", "1–2": "1_2", "3–5": "3_5", "6–9": "6_9"}
"""Ticks from a side's own best price: as written, and as the columns of features end."""

CARD: dict[str, tuple[Fact, ...]] = {
    "Level and zone": (
        Fact("Level", "level_price", "pt"),
        Fact("Entered at", "spot", "pt"),
        Fact("Zone", "zone_width", "pt either side", short="Zone ±", heading_unit="pt"),
        Fact("ATR, 14 bars", "atr", "pt"),
        Fact("Volatility", "rth_volatility", "pt/√min"),
        Fact("Earlier entries of this kind", "prior_touches", "", 0),
        Fact("Other levels within 5 pt", "level_stacking_5pt", "", 0),
    ),
    "Approach": (
        Fact("Velocity, 10 min", "approach_velocity", "pt/min", 2, True),
        Fact("Velocity, 60 s", "velocity_60s", "pt/s", 3, True),
        Fact("Acceleration, 60 s", "acceleration_60s", "pt/s²", 4, True),
    ),
    "Order flow": (
        Fact("OFI, ten levels, 60 s", "ofi_integrated_60s", "contracts", 0, True, short="OFI 60 s"),
        Fact("OFI, ten levels, 240 s", "ofi_integrated_240s", "contracts", 0, True),
        Fact("OFI near the level, 60 s", "ofi_near_level_60s", "contracts", 0, True),
        Fact(
            *("Tape imbalance near, 60 s", "tape_imbalance", "", 2, True),
            short="Tape imbalance",
            heading_unit="sells −1, buys 1",
        ),
        Fact("Sweeps, buys minus sells", "sweep_net_size", "contracts", 0, True),
        Fact("Force / mass", "force_mass_ratio", "1/s", 3, True),
    ),
    "Book at the entry": (
        Fact("Spread", "spread_ticks", "ticks", 0),
        Fact(
            *("Imbalance of the best sizes", "book_imbalance", "", 2, True),
            short="Book imbalance",
            heading_unit="against −1, with 1",
        ),
        Fact("Weighted mid less mid", "weighted_mid_offset", "pt", 3, True),
        Fact("Defending before the level", "depth_to_level", "contracts", 0),
        Fact("Defending at the level", "depth_at_level", "contracts", 0),
    ),
    "Depth by ticks from the best": tuple(
        Fact(f"{side.capitalize()}, {words}", f"depth_{side}_{ending}", "contracts", 0)
        for side in ("defending", "attacking")
        for words, ending in DEPTH_BINS.items()
    ),
    "Barrier, 240 s": (
        Fact(
            *("Zone in sight", "barrier_visible_share", "%", 0, False, 100.0),
            at_zero="out of sight",
        ),
        Fact("Depth in the zone", "depth_in_zone", "contracts", 0, short="Depth in zone"),
        Fact("Added", "barrier_added", "contracts", 0),
        Fact("Removed by trades", "barrier_filled", "contracts", 0),
        Fact("Pulled", "barrier_pulled", "contracts", 0),
        Fact("Added / removed", "barrier_replenishment_ratio", "", 2),
        Fact("Against the last 30 min", "wall_ratio", "×", 2),
    ),
    "Gamma": (
        Fact(
            *("Dealers' gamma within 15 pt", "gamma_exposure", "contracts/pt", 1, True),
            short="Gamma near",
        ),
        Fact("Fuel", "fuel_effect"),
        Fact("Net GEX within 10 pt", "net_gex_2strike", "M USD per 1 %", 2, True, 1e-6),
        Fact("Flow GEX within 10 pt", "flow_net_gex_2strike", "M USD per 1 %", 2, True, 1e-6),
        Fact("ES minus SPX", "es_spx_basis", "pt", 2, True),
    ),
    "What followed, 8 min": (
        Fact("Farthest through the level", "excursion_max", "pt"),
        Fact("Farthest back", "excursion_min", "pt"),
        Fact("Time to the outcome", "time_to_threshold_2", "s", 0, short="After"),
        Fact("Uniqueness", "uniqueness", "", 2),
    ),
}
"""The card's groups. A column that a session does not have yet is left out."""

_ELSEWHERE = (
    Fact("Strength", "strength_signed", "pt", 1, True),
    Fact("Barrier", "barrier_state"),
    Fact("Null break", "null_p_break", "%", 0, False, 100.0),
    Fact("Null bounce", "null_p_bounce", "%", 0, False, 100.0),
)
_FACTS = {fact.column: fact for facts in (*CARD.values(), _ELSEWHERE) for fact in facts}


def facts(*columns: str) -> tuple[Fact, ...]:
    """How these columns are shown, wherever that is."""
    return tuple(_FACTS[column] for column in columns)


TABLE = facts(
    *("level_price", "spot", "zone_width", "time_to_threshold_2", "strength_signed"),
    *("ofi_integrated_60s", "tape_imbalance", "spread_ticks", "barrier_visible_share"),
    *("depth_in_zone", "null_p_break", "null_p_bounce"),
)
"""The numeric columns of the table of events."""

PANELS = facts("ofi_integrated_60s", "tape_imbalance", "depth_in_zone")
"""The columns of the charts below the price."""

_TIP = facts(
    *("level_price", "spot", "ofi_integrated_60s", "tape_imbalance", "depth_in_zone"),
    *("barrier_visible_share", "spread_ticks", "book_imbalance"),
    *("barrier_state", "gamma_exposure", "null_p_break", "null_p_bounce"),
)


def number(value: float | None, decimals: int = 2, *, signed: bool = False) -> str:
    """A number with thousands separators and a true minus sign; a dash for None."""
    if value is None:
        return UNKNOWN
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def shown(fact: Fact, event: Mapping[str, Any], *, unit: bool = True) -> str:
    """One fact of an event, with its unit unless it is unknown or `unit` is false."""
    value = event.get(fact.column)
    if value is None or isinstance(value, str):
        return value or UNKNOWN
    if value == 0 and fact.at_zero:
        return fact.at_zero
    text = number(value * fact.scale, fact.decimals, signed=fact.signed)
    return f"{text} {fact.unit}" if unit and fact.unit else text


def card(event: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The groups of the card beside the chart: a heading and its (label, value) pairs."""
    groups = [
        (heading, [(fact.label, shown(fact, event)) for fact in group if fact.column in event])
        for heading, group in CARD.items()
    ]
    return [group for group in groups if group[1]]


def level_name(kind: str) -> str:
    """`PM_HIGH` as people write it: `PM high`."""
    first, *rest = kind.split("_")
    return " ".join([first, *map(str.lower, rest)])


def tooltip(event: Mapping[str, Any]) -> Markup:
    """The tooltip of an event's marker, HTML."""
    title = (
        f"{event['event_ts_et']:%H:%M:%S} {level_name(event['level_kind'])} "
        f"{event['direction']} → {event['outcome']}"
    )
    return pairs_html(
        title, [(fact.title, shown(fact, event)) for fact in _TIP if fact.column in event]
    )
