"""Made-up tables of a session as a whole: its row, its grid, and the sums that gold adds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

import numpy as np
import polars as pl
from reference.clock import MINUTE_NS, SECOND_NS, SessionClock, new_york_ns, session_clock
from reference.lead_lag import PAIRS, THETAS_MS

STEP_NS = 30 * SECOND_NS
STATES = [(i, spread) for spread in (1, 2) for i in range(1, 11)]


@dataclass(frozen=True)
class MadeSession:
    """What a made-up session is like; `last_trade_ns` is that of its trade date."""

    clock: SessionClock
    is_empty: bool
    has_book: bool
    has_options: bool
    has_spx: bool
    last_trade_ns: int
    price: float

    @classmethod
    def of(cls, day: date, number: int, is_plain: bool, rng: np.random.Generator) -> MadeSession:
        """Every so many sessions something is missing, never all of it at once."""

        def each(period: int, offset: int) -> bool:
            return not is_plain and number % period == offset

        half_day = time(13, 0) if each(8, 5) else None
        clock = session_clock(day, has_rth=not each(23, 11), rth_end=half_day)
        # A trade date that ends soon after its last anchor leaves windows without an end.
        soon = clock.event_end_ns + int(rng.integers(0, 6)) * MINUTE_NS
        ends_soon = half_day is not None or each(9, 2)
        return cls(
            clock=clock,
            is_empty=each(19, 7),
            has_book=not each(13, 4),
            has_options=not each(7, 3),
            has_spx=not each(6, 1),
            last_trade_ns=soon if ends_soon else clock.session_end_ns - SECOND_NS,
            price=float(6000 + rng.integers(-400, 400) / 4),
        )


def made_session_tables(session: MadeSession, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """The tables that are sums over the session; without a cash session they are without rows."""
    tables = {
        "session_grid": made_grid(session, rng),
        "ofi_moments": made_moments(session, rng),
        "microprice_counts": made_counts(session, rng),
        "lead_lag": made_lead_lag(session, rng),
    }
    if not session.clock.has_rth:
        return {name: table.clear() for name, table in tables.items()}
    return tables


def made_sessions_row(session: MadeSession, lead_lag: pl.DataFrame) -> pl.DataFrame:
    clock = session.clock
    row = {
        "has_rth": clock.has_rth,
        "front_month": "ESH4",
        "trade_date_start_ns": clock.session_start_ns,
        "premarket_start_ns": clock.premarket_start_ns,
        "rth_start_ns": clock.rth_start_ns,
        "opening_range_end_ns": clock.opening_range_end_ns,
        "event_end_ns": clock.event_end_ns,
        "rth_end_ns": clock.rth_end_ns,
        "trade_date_end_ns": clock.session_end_ns,
    }
    for pair in PAIRS:
        known = lead_lag.filter(pl.col("pair") == pair, pl.col("rho").is_not_null()).to_dicts()
        if known:
            best = min(known, key=lambda r: (-abs(r["rho"]), abs(r["theta_ms"]), -r["theta_ms"]))
            row[f"lead_ms_{pair}"] = best["theta_ms"]
            row[f"lead_llr_{pair}"] = 1.0
    return pl.DataFrame([row])


def made_grid(session: MadeSession, rng: np.random.Generator) -> pl.DataFrame:
    """Steps from 09:00 to the close; livelier near the open, some without book rows or a price."""
    clock = session.clock
    begin = new_york_ns(clock.session_date, time(9, 0))
    starts = np.arange(begin, clock.rth_end_ns, STEP_NS)
    n = len(starts)
    liveliness = 1 + 2 * np.exp(-np.abs(starts - clock.rth_start_ns) / (30 * MINUTE_NS))
    volume = rng.poisson(60 * liveliness)
    buys = rng.binomial(volume, 0.5)
    book_rows = rng.poisson(40 * liveliness) * (rng.random(n) > 0.02)
    frame = pl.DataFrame(
        {
            "grid_start_ns": starts,
            "grid_end_ns": starts + STEP_NS,
            "close": session.price + np.cumsum(rng.integers(-4, 5, n)) / 4,
            "volume": volume,
            "trade_count": volume // 2,
            "signed_volume": 2 * buys - volume,
            "mean_depth": rng.integers(150, 400, n) / 10,
            "mean_spread_ticks": 1 + rng.integers(0, 30, n) / 100,
            "book_rows": book_rows,
            "ofi_best": rng.integers(-400, 401, n),
            # Half of the steps do not move: the median of a quiet bucket is 0.
            "realized_variance": rng.poisson(0.69, n) / 16,
        }
    )
    has_rows = pl.col("book_rows") > 0
    is_known = pl.lit(session.has_book) & (pl.col("grid_end_ns") <= clock.event_end_ns)
    # A trade date whose first trade comes late has no price before it.
    silent = int(rng.integers(0, 70)) if rng.random() < 0.3 else 0
    has_price = pl.int_range(pl.len()) >= silent
    return frame.with_columns(
        pl.when(is_known & has_rows).then(pl.col("mean_depth", "mean_spread_ticks", "ofi_best")),
        pl.when(is_known).then(pl.col("book_rows")),
        pl.when(has_price).then(pl.col("close", "realized_variance")),
    )


def made_moments(session: MadeSession, rng: np.random.Generator) -> pl.DataFrame:
    """Order flow of ten levels with a common part, at every minute."""
    clock = session.clock
    marks = (clock.event_end_ns - clock.rth_start_ns) // MINUTE_NS if session.has_book else 0
    flow = rng.normal(size=(marks, 1)) + rng.normal(0.1, 0.7, size=(marks, 10))
    sums, products = flow.sum(axis=0), flow.T @ flow
    rows: list[tuple[int, int, float | None]] = [(0, 0, float(marks))]
    rows += [(m + 1, 0, float(sums[m]) if marks else None) for m in range(10)]
    rows += [
        (m + 1, n + 1, float(products[m, n]) if marks else None)
        for m in range(10)
        for n in range(10)
    ]
    return pl.DataFrame(
        rows, schema={"m": pl.Int64, "n": pl.Int64, "total": pl.Float64}, orient="row"
    )


def made_counts(session: MadeSession, rng: np.random.Generator) -> pl.DataFrame:
    """Steps of the best level; a heavy bid tends to move the mid up."""
    pick = rng.integers(0, len(STATES), size=(400, 2))
    states = np.array(STATES)
    begin, end = states[pick[:, 0]], states[pick[:, 1]]
    # An odd change of the mid, in half ticks, comes with a change of the spread.
    dh = 2 * rng.integers(-3, 4, 400) * (rng.random(400) < 0.5)
    dh = dh + (begin[:, 1] != end[:, 1]) * rng.choice([-1, 1], 400)
    likely = np.exp(0.15 * np.sign(dh) * (begin[:, 0] - 5.5)) * 6 / (1 + dh**2)
    frame = pl.DataFrame(
        {
            "i_from": begin[:, 0],
            "spread_from": begin[:, 1],
            "dh": dh,
            "i_to": end[:, 0],
            "spread_to": end[:, 1],
            "n": rng.poisson(likely),
        }
    ).filter(
        pl.col("n") > 0,
        (pl.col("i_from") != pl.col("i_to"))
        | (pl.col("spread_from") != pl.col("spread_to"))
        | (pl.col("dh") != 0),
    )
    key = ["i_from", "spread_from", "dh", "i_to", "spread_to"]
    frame = frame.group_by(key).agg(pl.col("n").sum()).sort(key)
    return frame if session.has_book else frame.clear()


def made_lead_lag(session: MadeSession, rng: np.random.Generator) -> pl.DataFrame:
    frames = []
    for pair in PAIRS:
        is_known = session.has_book and (session.has_spx if pair == "spx" else session.has_options)
        theta = np.array(THETAS_MS)
        rho = np.exp(-((theta - 100) ** 2) / 5e5) * 0.3 + rng.normal(0, 0.01, len(theta))
        frames.append(
            pl.DataFrame(
                {
                    "pair": pair,
                    "theta_ms": theta,
                    "rho": rho if is_known else None,
                    "y_changes": int(rng.integers(500, 900)) if is_known else None,
                },
                schema_overrides={"rho": pl.Float64, "y_changes": pl.Int64},
            )
        )
    return pl.concat(frames)
