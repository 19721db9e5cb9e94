"""What a score says, in words that can be signed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from es_physics.report.event_text import UNKNOWN, number

REFERENCE = "null_calibrated"
"""The model that skill is measured against."""

MODELS = {
    "base_rate": "shares of the training sessions",
    "tod_rate": "shares by half hour and direction",
    "null": "the random walk",
    "null_calibrated": "the random walk, calibrated",
    "logit": "multinomial logit",
    "lightgbm": "trees",
    "lightgbm_null": "trees on top of the random walk",
    "knn": "nearest neighbours",
    "null_knn": "neighbours with outcomes shuffled",
    "patchtst": "transformer over the last 40 steps",
}
"""Models in the order of the pages, and what they are."""

CANDIDATES = frozenset({"logit", "lightgbm", "lightgbm_null", "knn", "patchtst"})
"""Models that could have an edge: what `trials` counts."""

TARGETS = {
    "scaled": "barriers at one standard deviation of the horizon (primary)",
    "scaled_050": "barriers at half a standard deviation",
    "fixed": "barriers at the fixed threshold",
}
"""Targets of three classes in the order of the pages; others follow by name."""

CLASSES = ("BREAK", "BOUNCE", "CHOP", "YES", "NO")
"""Classes of any target, in order."""

CERTAIN = 0.95
"""What `deflated` has to reach to call a skill found after so many trials."""
CLEAR_T = 3.0
"""What the t of a part of the gain has to reach to call the part found."""
_SIZE = 1e-4
"""A skill below this has no size."""


class Verdict(NamedTuple):
    """What one row of scores says."""

    css: str
    words: str


def verdict(row: Mapping[str, Any]) -> Verdict:
    """What a row of `scores` says: found, and in which part, or not, and what would have been."""
    skill, low, high = row["skill"], row["skill_low"], row["skill_high"]
    if row["model"] == REFERENCE:
        return Verdict("none", "what the others have to beat")
    if skill is None:
        return Verdict("none", "too few entries to say")
    if low is None or high is None:
        return Verdict("none", "too few sessions for an interval")
    if abs(skill) < _SIZE and (row["detectable"] or 0.0) < _SIZE:
        return Verdict("none", "nothing found: calibration leaves the random walk alone")
    if low <= 0 <= high or abs(skill) < _SIZE:
        return Verdict("none", f"nothing found; {_would_have_been(row['detectable'])}")
    if high < 0:
        return Verdict("bad", "worse than the calibrated random walk")
    if row["model"] not in CANDIDATES or row["deflated"] is None:
        return Verdict("good", "better than the calibrated random walk")
    if row["deflated"] < CERTAIN:
        tried = row["trials"]
        return Verdict("none", f"not more than the best of {tried} tried may show by chance")
    return Verdict("good", f"found{_where(row)}")


def _would_have_been(detectable: float | None) -> str:
    if detectable is None:
        return "what would have been is unknown"
    amount = percent(detectable).replace(" ", "\N{NO-BREAK SPACE}")
    return f"an effect of {amount} would have been"


def _where(row: Mapping[str, Any]) -> str:
    if row.get("gain_side") is None:
        return ""
    if (row["side_t"] or 0.0) >= CLEAR_T:
        return ", in the side"
    return ", in the move alone: volatility, not an edge"


def detectable_text(row: Mapping[str, Any]) -> str:
    """The skill that would have been found; a dash where calibration left nothing to find."""
    value = row["detectable"]
    return percent(value) if value is None or value >= _SIZE else UNKNOWN


def percent(value: float | None, decimals: int = 2, *, signed: bool = False) -> str:
    """A share in per cent; a dash for None."""
    if value is None:
        return UNKNOWN
    return f"{number(100 * value, decimals, signed=signed)} %"


def thousandths(gain: float | None) -> str:
    """A gain in thousandths of a nat, signed; a dash for None."""
    return number(None if gain is None else 1000 * gain, 1, signed=True)


def t_text(t: float | None) -> str:
    """A t statistic."""
    return f"t {number(t, 1, signed=True)}"


def row_name(row: Mapping[str, Any]) -> str:
    """A model, and on which features if it takes any."""
    on = "" if row["feature_set"] in ("none", "") else f" on {row['feature_set']}"
    return f"{row['model']}{on}"


def counts(row: Mapping[str, Any]) -> str:
    """Events, effective n and sessions that a figure rests on."""
    parts = [f"{row['events']:,} entries" if row.get("events") is not None else ""]
    if row.get("effective_n") is not None:
        parts.append(f"effective n {number(row['effective_n'], 1)}")
    if row.get("sessions") is not None:
        parts.append(f"{row['sessions']:,} session{'s' * (row['sessions'] != 1)}")
    return ", ".join(filter(None, parts))


def classes_of(names: set[str]) -> list[str]:
    """Classes in the order of the pages."""
    return [name for name in CLASSES if name in names] + sorted(names - set(CLASSES))


def target_words(target: str) -> str:
    """What a target asks."""
    if found := re.fullmatch(r"(break|bounce)_(\d)_(\d+)s", target):
        return "YES if it {}s to barrier {} within {} s".format(*found.groups())
    if found := re.fullmatch(r"tradeable_(\d)", target):
        return f"YES if it reaches barrier {found[1]} on either side"
    return TARGETS.get(target, "")
