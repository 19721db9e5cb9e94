"""Colours of the pages, a light and a dark one for each role.

Outcomes are orange against blue, which every common kind of colour blindness keeps apart, and
never told by colour alone: markers also differ in their filling, lines in their dashes. A page
switches its theme by exchanging one column of this table for the other, so every role has a value
of its own in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Shade(NamedTuple):
    """One role's colour in each theme, as #rrggbb."""

    light: str
    dark: str


PALETTE = {
    "page": Shade("#f4f6f8", "#0f1319"),
    "surface": Shade("#ffffff", "#171c24"),
    "shade": Shade("#eef1f5", "#1e2530"),
    "line": Shade("#dde2e9", "#2c3541"),
    "muted": Shade("#586474", "#9ba7b6"),
    "ink": Shade("#19212c", "#e7ebf1"),
    "candle": Shade("#3c4756", "#b4bfcc"),
    "hollow": Shade("#fefefe", "#161b23"),
    "break": Shade("#b44e06", "#ff9d52"),
    "bounce": Shade("#1769aa", "#67b5ff"),
    "chop": Shade("#6a7482", "#a1acba"),
    "undefined": Shade("#8b95a2", "#7f8b9a"),
    "call": Shade("#1f6fae", "#6bb7fe"),
    "put": Shade("#b7530d", "#fe9f56"),
    "flow": Shade("#6d4a9c", "#c5a3ee"),
    "premarket": Shade("#7b4bb3", "#c49df0"),
    "opening_range": Shade("#0a7a69", "#4fc7b4"),
    "sma": Shade("#8f6b00", "#dcc04f"),
    "family_4": Shade("#4b7d1f", "#a5d36e"),
    "family_5": Shade("#9a4d5c", "#e3a5b1"),
    "family_6": Shade("#4a6488", "#a9bddb"),
    "vwap": Shade("#2f3273", "#c3c8ff"),
    "select": Shade("#d0006f", "#ff7cc0"),
    "good": Shade("#1a6aa8", "#69b4fc"),
    "bad": Shade("#b04a05", "#ffa25a"),
}


def _mixed(start: str, end: str, share: float) -> str:
    ends = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (start, end)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


DIVERGING = tuple(f"diverging_{place}" for place in range(13))
"""Roles from far below (blue) through none (the surface) to far above (orange)."""

for _place, _role in enumerate(DIVERGING):
    _share = (_place - 6) / 6
    PALETTE[_role] = Shade(
        _mixed("#fdfdfd", "#b34700" if _share > 0 else "#0b5c9e", abs(_share)),
        _mixed("#1c222b", "#ffa05a" if _share > 0 else "#5fb0ff", abs(_share)),
    )

OUTCOMES = ("BREAK", "BOUNCE", "CHOP", "UNDEFINED")
"""Outcomes of a label, in the order of the pages."""

FAMILIES = ("premarket", "opening_range", "sma")
"""Families of level kinds with a role of their own name; others take the spare ones in turn."""
SPARE_FAMILIES = ("family_4", "family_5", "family_6")


def with_known_outcomes(found: Iterable[str]) -> list[str]:
    """All of `OUTCOMES`, then those found that are none of them, by name."""
    return [*OUTCOMES, *sorted(set(found) - set(OUTCOMES))]


def outcome_role(outcome: str) -> str:
    """The role of an outcome's colour; one that is not known looks undefined."""
    return (outcome if outcome in OUTCOMES else "UNDEFINED").lower()


def light(role: str) -> str:
    """The colour that charts are built with; the page's script exchanges it in the dark theme."""
    return PALETTE[role].light


def css_variables(theme: str) -> str:
    """The roles as CSS custom properties of one theme, `light` or `dark`."""
    return " ".join(f"--{role}: {getattr(shade, theme)};" for role, shade in PALETTE.items())
