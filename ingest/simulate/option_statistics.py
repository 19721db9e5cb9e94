"""Statistics of an option series: settlement, cleared volume, and open interest with its gaps.

Open interest comes in the evening for most options, after the open for some and never for a few;
some values change later, are withdrawn, or are announced without a quantity.
"""

from __future__ import annotations

from datetime import time

import databento_dbn as dbn
import numpy as np

from es_physics.calendar import utc_date, utc_midnight_ns
from ingest.simulate.dbn_writer import PUBLISHER_ID
from ingest.simulate.hours import SECOND_NS, Session, new_york_ns
from ingest.simulate.instruments import PRICE_SCALE
from ingest.simulate.option_series import Series

RECORD = np.dtype(dbn.StatMsg._dtypes)
_RTYPE_STATISTICS = 24
_LATENCY_NS = 40_000
_SPACING_NS = 10_000

_SETTLED_AFTER_OPEN_NS = 1_800 * SECOND_NS
_INTEREST_AFTER_OPEN_NS = 5_400 * SECOND_NS
_CHANGED_ET, _VOID_ET, _WITHDRAWN_ET, _LATE_ET = time(8, 30), time(8, 45), time(8, 50), time(10, 15)
# Parts of the options: without any open interest, with one that is void, with a late one.
_NONE, _ONLY_VOID, _LATE = 0.04, 0.03, 0.1
# Parts of the others: changed later, announced again without a quantity, withdrawn.
_CHANGED, _VOID, _WITHDRAWN = 0.15, 0.05, 0.04

_TYPICAL_INTEREST = 900.0
_INTEREST_SCALE_POINTS = 150.0
_INTEREST_SD = 0.7
_ROUND_STRIKES = ((100, 4.0), (50, 2.5), (25, 1.6))
_OUT_OF_THE_MONEY_FACTOR = 2.5


def statistics_records(
    rng: np.random.Generator, session: Session, series: Series, settlements: np.ndarray
) -> np.ndarray:
    """The records (dtype RECORD) of one series, by time; settlements: (n,) points, by option."""
    count = len(series.options)
    shuffled = rng.permutation(count)
    sizes = [max(1, round(part * count)) for part in (_NONE, _ONLY_VOID, _LATE)]
    _, only_void, late, early = np.split(shuffled, np.cumsum(sizes))
    changed, void, withdrawn = (
        rng.choice(early, max(1, round(part * len(early))), replace=False)
        for part in (_CHANGED, _VOID, _WITHDRAWN)
    )
    interest = _open_interest(rng, series)
    newer = np.maximum(interest + rng.integers(-300, 301, count), 0)
    evening = session.open_ns + _INTEREST_AFTER_OPEN_NS
    changed_ns, void_ns, withdrawn_ns, late_ns = (
        new_york_ns(session.trade_date, clock)
        for clock in (_CHANGED_ET, _VOID_ET, _WITHDRAWN_ET, _LATE_ET)
    )
    everything = np.arange(count)
    settled = session.open_ns + _SETTLED_AFTER_OPEN_NS
    volume = rng.poisson(0.4 * interest)
    interest_type = dbn.StatType.OPEN_INTEREST
    unknown = np.full(count, dbn.UNDEF_STAT_QUANTITY)
    batches = [
        _batch(session, series, everything, settled, dbn.StatType.SETTLEMENT_PRICE, unknown),
        _batch(session, series, everything, settled, dbn.StatType.CLEARED_VOLUME, volume),
        _batch(session, series, early, evening, interest_type, interest),
        _batch(session, series, only_void, evening, interest_type, unknown),
        _batch(session, series, changed, changed_ns, interest_type, newer),
        _batch(session, series, void, void_ns, interest_type, unknown),
        _batch(session, series, withdrawn, withdrawn_ns, interest_type, interest),
        _batch(session, series, late, late_ns, interest_type, interest),
    ]
    batches[0]["price"] = np.rint(settlements * 20).astype(np.int64) * (PRICE_SCALE // 20)
    batches[6]["update_action"] = int(dbn.StatUpdateAction.DELETE)
    records = np.concatenate(batches)
    return records[np.argsort(records["ts_recv"], kind="stable")]


def _open_interest(rng: np.random.Generator, series: Series) -> np.ndarray:
    """int64 (n,) by option: most at round strikes and out of the money, none for some."""
    strike = np.array([option.strike for option in series.options])
    is_call = np.array([option.is_call for option in series.options])
    middle = series.strikes[len(series.strikes) // 2]
    expected = _TYPICAL_INTEREST * np.exp(-np.abs(strike - middle) / _INTEREST_SCALE_POINTS)
    factors = [factor for _, factor in _ROUND_STRIKES]
    expected *= np.select([strike % every == 0 for every, _ in _ROUND_STRIKES], factors, 1.0)
    expected[(strike >= middle) == is_call] *= _OUT_OF_THE_MONEY_FACTOR
    return (expected * np.exp(_INTEREST_SD * rng.standard_normal(len(strike)))).astype(np.int64)


def _batch(
    session: Session,
    series: Series,
    options: np.ndarray,
    at_ns: int,
    stat_type: dbn.StatType,
    quantity: np.ndarray,
) -> np.ndarray:
    """One record for each of some options, one after the other; quantity: (n,) of all options."""
    options = np.sort(options)
    ids = np.array([option.instrument_id for option in series.options], dtype=np.uint32)
    records = np.zeros(len(options), dtype=RECORD)
    records["length"], records["rtype"] = RECORD.itemsize // 4, _RTYPE_STATISTICS
    records["publisher_id"] = PUBLISHER_ID
    records["instrument_id"] = ids[options]
    # No two records of a date share a time, whatever their series and type.
    nth = 100 * options + 10 * series.key + int(stat_type)
    records["ts_event"] = at_ns + _SPACING_NS * nth
    records["ts_recv"] = records["ts_event"] + _LATENCY_NS
    records["ts_ref"] = utc_midnight_ns(utc_date(session.open_ns))
    records["price"] = dbn.UNDEF_PRICE
    records["quantity"] = quantity[options]
    records["stat_type"] = int(stat_type)
    records["channel_id"] = 311
    records["update_action"] = int(dbn.StatUpdateAction.NEW)
    return records
