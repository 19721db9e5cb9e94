"""Which of two prices moves first (definitions, section 13, "lead_lag").

Hayashi & Yoshida (2005) multiply the changes of two prices over all pairs of their intervals that
overlap, with one price moved in time as in Hoffmann, Rosenbaum & Yoshida (2013). Prices are whole
numbers of 1e-9 points or of a part of that, so that no sum is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reference.book import Book
from reference.clock import MINUTE_NS, SECOND_NS, SessionClock
from reference.constants import DEFAULTS, Constants
from reference.kinematics import PriceHistory
from reference.options import NANO, Chain, Option
from reference.tape import MILLISECOND_NS

THETAS_MS = range(-2000, 2001, 50)
QUOTE_MAX_AGE_NS = SECOND_NS

LEAD_LAG_SCHEMA = {
    "pair": pl.String,
    "theta_ms": pl.Int64,
    "rho": pl.Float64,
    "y_changes": pl.Int64,
}
PAIRS = ("spx", "implied")

Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class Path:
    """A price that changes: when (UTC nanoseconds) and to which whole number; the first is where it
    starts."""

    ts_ns: Int64s
    value: Int64s


@dataclass(frozen=True)
class Correlation:
    """The sum of products, and its share of what it could be, by how far (milliseconds) the second
    price is moved back."""

    sums: Mapping[int, int]
    rho: Mapping[int, float | None]


def kept(ts_ns: Int64s, value: Int64s) -> Path:
    """Ordered observations without those that are equal to the one kept before them."""
    differs = np.ones(len(value), dtype=bool)
    differs[1:] = value[1:] != value[:-1]
    return Path(ts_ns[differs], value[differs])


def is_last_of_its_time(ts_ns: Int64s) -> NDArray[np.bool_]:
    """Of ordered times: whether none that is equal follows."""
    last = np.ones(len(ts_ns), dtype=bool)
    last[:-1] = ts_ns[1:] != ts_ns[:-1]
    return last


def future_path(clock: SessionClock, book: Book) -> Path:
    """Twice the front month's mid, where both best prices are known and apart."""
    rows = book.rows_between(clock.rth_start_ns - 1, clock.event_end_ns)
    ts_ns, bid, ask = book.ts_ns[rows], book.bid.price[rows, 0], book.ask.price[rows, 0]
    # A side without a price (NaN) compares false.
    seen = is_last_of_its_time(ts_ns) & (bid < ask)
    doubled = np.rint(bid[seen] * NANO) + np.rint(ask[seen] * NANO)
    return kept(ts_ns[seen], doubled.astype(np.int64))


def spx_path(clock: SessionClock, spx: pl.DataFrame) -> Path:
    """The index; `spx` by `SPX_SCHEMA`."""
    rows = spx.filter(pl.col("ts_ns").is_between(clock.rth_start_ns, clock.event_end_ns)).sort(
        "ts_ns", "row_nr"
    )
    last = rows.filter(pl.Series(is_last_of_its_time(rows["ts_ns"].to_numpy()))).filter(
        pl.col("price").is_not_null()
    )
    nano = np.rint(last["price"].to_numpy() * NANO).astype(np.int64)
    return kept(last["ts_ns"].to_numpy(), nano)


def implied_path(
    clock: SessionClock, chain: Chain, underlyings: Mapping[str | None, PriceHistory]
) -> Path:
    """Four times the price of the underlying by put-call parity, from the two strikes nearest it.

    `underlyings` has the prices of every future that an option of the chain delivers.
    """
    times, values = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for tau in range(clock.rth_start_ns, clock.event_end_ns, MINUTE_NS):
        strikes = nearest_strikes(chain, tau, underlyings)
        if len(strikes) == 2:
            ts_ns, value = parity_of_minute(chain, strikes, tau, tau + MINUTE_NS)
            times.append(ts_ns)
            values.append(value)
    return kept(np.concatenate(times), np.concatenate(values))


def nearest_strikes(
    chain: Chain, tau: int, underlyings: Mapping[str | None, PriceHistory]
) -> list[tuple[Option, Option]]:
    """Call and put of the two strikes nearest the underlying's price, of the nearest expiration.

    Fewer where fewer have both; none where there is no price.
    """
    alive = [option for option in chain.options if option.expiration > tau]
    if not alive:
        return []
    first = min(alive, key=lambda option: (option.expiration, option.instrument_id))
    forward = underlyings[first.underlying].at(tau)
    if forward is None:
        return []
    listed: dict[int, dict[str, Option]] = {}
    for option in alive:
        if option.expiration == first.expiration:
            # Of several instruments with the same strike and right the first by id.
            listed.setdefault(option.strike_nano, {}).setdefault(option.right, option)
    forward_nano = round(forward * NANO)
    both = sorted(
        (strike for strike, rights in listed.items() if len(rights) == 2),
        key=lambda strike: (abs(strike - forward_nano), strike),
    )
    return [(listed[strike]["C"], listed[strike]["P"]) for strike in both[:2]]


def parity_of_minute(
    chain: Chain, strikes: Sequence[tuple[Option, Option]], after_ns: int, to_ns: int
) -> tuple[Int64s, Int64s]:
    """Times and values over (after, to]: at each quote of the four, where all four can be used."""
    quotes = [chain.quotes[option.instrument_id] for pair in strikes for option in pair]
    times = np.unique(np.concatenate([quote.ts_ns for quote in quotes]))
    times = times[(times > after_ns) & (times <= to_ns)]
    usable = np.ones(len(times), dtype=bool)
    value = np.full(len(times), sum(2 * call.strike_nano for call, _ in strikes), dtype=np.int64)
    for pair in strikes:
        for option, sign in zip(pair, (1, -1), strict=True):
            quote = chain.quotes[option.instrument_id]
            given = np.searchsorted(quote.ts_ns, times, side="right") - 1
            usable &= given >= 0
            if not len(quote.ts_ns):
                continue
            # Before the first quote the place is the last one's, and of no use.
            usable &= quote.is_two_sided[given] & (times - quote.ts_ns[given] <= QUOTE_MAX_AGE_NS)
            value += sign * quote.doubled_mid_nano[given]
    return times[usable], value[usable]


def correlation(x: Path, y: Path, constants: Constants = DEFAULTS) -> Correlation:
    """Every pair of intervals (a, b] of x and (c, d] of y that overlap, y moved back by theta.

    Over one interval of y the changes of x that overlap it add up to one difference.
    """
    change = np.diff(y.value)
    short = np.diff(y.ts_ns) <= round(constants.lead_lag_max_gap_s * SECOND_NS)
    change, begin, end = change[short], y.ts_ns[:-1][short], y.ts_ns[1:][short]
    x_squares = sum(step * step for step in np.diff(x.value).tolist())
    y_squares = sum(step * step for step in change.tolist())
    sums: dict[int, int] = {}
    for theta in THETAS_MS:
        moved = theta * MILLISECOND_NS
        total = 0
        if len(x.ts_ns):
            # The first interval that ends after c begins where x stood at c; the last one that
            # begins before d ends at the first observation at or after d.
            from_place = np.searchsorted(x.ts_ns, begin - moved, side="right") - 1
            to_place = np.searchsorted(x.ts_ns, end - moved, side="left")
            from_value = x.value[np.maximum(from_place, 0)]
            to_value = x.value[np.minimum(to_place, len(x.value) - 1)]
            total = sum(
                step * moved_by
                for step, moved_by in zip(
                    change.tolist(), (to_value - from_value).tolist(), strict=True
                )
            )
        sums[theta] = total
    size = math.sqrt(x_squares * y_squares)
    return Correlation(
        sums, {theta: total / size if size else None for theta, total in sums.items()}
    )


def lead_columns(pair: str, of_pair: Correlation | None) -> dict[str, float | int | None]:
    """The columns of `sessions`: by how many milliseconds the future leads, and how much more it
    leads than it follows."""
    lead = ratio = None
    if of_pair is not None and of_pair.rho[0] is not None:
        lead = min(of_pair.sums, key=lambda theta: (-abs(of_pair.sums[theta]), abs(theta), -theta))
        squares = {theta: (rho or 0.0) ** 2 for theta, rho in of_pair.rho.items()}
        leads = math.fsum(square for theta, square in squares.items() if theta > 0)
        follows = math.fsum(square for theta, square in squares.items() if theta < 0)
        ratio = leads / follows if follows else None
    return {f"lead_ms_{pair}": lead, f"lead_llr_{pair}": ratio}


@dataclass(frozen=True)
class LeadLag:
    """The `lead_lag` table, and what `sessions` gains by it."""

    table: pl.DataFrame
    session_columns: Mapping[str, float | int | None]


def lead_lag(
    x: Path, others: Mapping[str, Path | None], constants: Constants = DEFAULTS
) -> LeadLag:
    """The future against each other price, of which None says that its feed was never asked for."""
    rows = []
    columns: dict[str, float | int | None] = {}
    for pair in PAIRS:
        y = others[pair]
        of_pair = None if y is None else correlation(x, y, constants)
        changes = None if y is None else max(len(y.value) - 1, 0)
        rows += [
            (pair, theta, None if of_pair is None else of_pair.rho[theta], changes)
            for theta in THETAS_MS
        ]
        columns |= lead_columns(pair, of_pair)
    return LeadLag(pl.DataFrame(rows, schema=LEAD_LAG_SCHEMA, orient="row"), columns)
