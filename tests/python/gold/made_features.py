"""Made-up features: what is known at each event, some of it unknown."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from gold.made_session import MadeSession
from gold.silver_columns import columns_of

FROM_OPTIONS = re.compile(
    "gex|gamma|fuel|option|calendar_basis|dealer|_wall$|atm_iv|skew_25d|premium"
)
FROM_BOOK = re.compile(
    "^(ofi|voi|book|weighted_mid|spread|imbalance|depth|barrier|wall|replenishment|pull|force|mass"
    "|predicted|accel_res|velocity_res)"
)
WORDS = {
    "barrier_state": ["VACUUM", "WALL", "CONSUMED", "ABSORPTION", "WEAK", "NEUTRAL"],
    "fuel_effect": ["AMPLIFY", "DAMPEN", "NEUTRAL"],
}
UNKNOWN_SHARE = 0.05


def made_features(
    session: MadeSession, events: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Independent values by type, with a share of NULLs; whole feeds may be missing."""
    n = events.height
    velocity = rng.integers(-40, 41, n) / 240
    drawn = {
        "mass": rng.integers(0, 60, n) / 2,
        "spread_ticks": rng.choice([1.0, 1.0, 1.0, 2.0, 3.0], n),
        "imbalance_bucket": rng.integers(1, 11, n),
        "velocity_60s": velocity,
        # One that says what the velocity said: it explains the past.
        "tape_velocity": events["dir_sign"].to_numpy() * velocity + rng.normal(0, 0.01, n),
        "position": (events["dir_sign"] * (events["spot"] - events["level_price"])).to_numpy(),
    }
    always = {"position", "prior_touches", "approach_bars"}
    columns: dict[str, pl.Series] = {}
    for name, kind in columns_of("level_event_features").items():
        if name in ("event_id", "session_date"):
            continue
        if name.endswith("_source_ts_ns"):
            values = events["event_ts_ns"].to_numpy()
        elif name in drawn:
            values = drawn[name]
        elif name in WORDS:
            values = rng.choice(WORDS[name], n)
        elif kind == pl.Boolean:
            values = rng.random(n) < 0.4
        elif kind in (pl.Int32, pl.Int64):
            values = rng.integers(-6, 13, n)
        else:
            values = rng.normal(size=n)
        known = rng.random(n) >= (0 if name in always else UNKNOWN_SHARE)
        if FROM_OPTIONS.search(name):
            known &= session.has_options
        elif FROM_BOOK.search(name):
            known &= session.has_book
        columns[name] = pl.Series(name, values, dtype=kind, strict=False).set(
            pl.Series(~known, dtype=pl.Boolean), None
        )
    return pl.DataFrame({"event_id": events["event_id"], **columns})
