"""Every kind of level has a line of its own, whatever is declared."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from es_physics.report.level_styles import level_styles
from es_physics.report.silver import Commit


def commit(**kinds: str) -> Commit:
    """A commit whose build declares these kinds, each with its family."""
    declared = [{"kind": kind, "family": family} for kind, family in kinds.items()]
    inputs: dict[str, Any] = {"vars": {"level_kinds": declared}}
    return Commit(Path(), date(2025, 12, 10), "", inputs, {})


def test_families_differ_by_colour_and_their_kinds_by_dash() -> None:
    first = commit(PM_HIGH="premarket", PM_LOW="premarket", SMA_9="sma")
    second = commit(ON_LOW="overnight", PM_HIGH="premarket", LN_LOW="london")
    assert level_styles([first, second], ["PM_LOW", "VWAP", "ON_MID"]) == {
        "PM_HIGH": ("premarket", "solid"),
        "PM_LOW": ("premarket", "dashed"),
        "SMA_9": ("sma", "solid"),
        "ON_LOW": ("family_4", "solid"),
        "LN_LOW": ("family_5", "solid"),
        # Nothing declares these: the first word of the name is the family.
        "ON_MID": ("family_6", "solid"),
        "VWAP": ("family_4", "solid"),
    }


def test_any_number_of_kinds_has_a_style() -> None:
    styles = level_styles([], [f"K_{number}" for number in range(9)])
    assert [dash for _, dash in styles.values()] == [
        *("solid", "dashed", "dotted", "dotdash") * 2,
        "solid",
    ]
