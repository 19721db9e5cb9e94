"""Definition records of the listed instruments, repeated over the day as the vendor does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import databento_dbn as dbn
import numpy as np

from es_physics.calendar import DAY_NS, NEW_YORK, utc_midnight_ns
from ingest.simulate.dbn_writer import PUBLISHER_ID
from ingest.simulate.hours import SECOND_NS, Session
from ingest.simulate.instruments import PRICE_SCALE, CalendarSpread, Listing, Outright

DEFINITION = np.dtype(dbn.InstrumentDefMsg._dtypes)

MULTIPLIER = 50
"""Dollars per index point."""

COMMON: dict[str, Any] = {
    "publisher_id": PUBLISHER_ID,
    "display_factor": PRICE_SCALE // 100,
    "unit_of_measure": "IPNT",
    "unit_of_measure_qty": MULTIPLIER * PRICE_SCALE,
    "exchange": "XCME",
    "currency": "USD",
    "settl_currency": "USD",
    "match_algorithm": dbn.MatchAlgorithm.FIFO,
    "market_depth": 10,
    "min_trade_vol": 1,
    "max_trade_vol": 3_000,
}
"""Fields that are the same in every ES definition."""


def definition_records(rng: np.random.Generator, session: Session, listed: list[Listing]) -> bytes:
    """Encoded records: all instruments at the start of the UTC day, one again some time later."""
    midnight = utc_midnight_ns(session.trade_date)
    repeat_ns = midnight + int(rng.integers(3_600, 3 * 3_600)) * SECOND_NS
    repeated = listed[int(rng.integers(len(listed)))]
    snapshot = [(midnight, listing) for listing in listed]
    return b"".join(
        bytes(record)
        for at_ns, listing in [*snapshot, (repeat_ns, repeated)]
        for record in _records(listing, at_ns)
    )


def _records(listing: Listing, at_ns: int) -> list[dbn.InstrumentDefMsg]:
    """One record of an outright, one for each leg of a spread."""
    instrument = listing.instrument
    if isinstance(instrument, CalendarSpread):
        legs = ((instrument.near, dbn.Side.ASK), (instrument.far, dbn.Side.BID))
        return [
            _record(
                listing,
                at_ns,
                leg_count=len(legs),
                leg_index=index,
                leg_instrument_id=leg.instrument_id,
                leg_raw_symbol=leg.symbol,
                leg_instrument_class=dbn.InstrumentClass.FUTURE,
                leg_side=side,
                leg_ratio_qty_numerator=1,
                leg_ratio_qty_denominator=1,
            )
            for index, (leg, side) in enumerate(legs)
        ]
    return [_record(listing, at_ns)]


def _record(listing: Listing, at_ns: int, **legs: Any) -> dbn.InstrumentDefMsg:
    instrument = listing.instrument
    outright = isinstance(instrument, Outright)
    near = instrument if isinstance(instrument, Outright) else instrument.near
    expires = datetime.fromtimestamp(instrument.expiration_ns // SECOND_NS, NEW_YORK)
    kind = dbn.InstrumentClass.FUTURE if outright else dbn.InstrumentClass.FUTURE_SPREAD
    return dbn.InstrumentDefMsg(
        instrument_id=instrument.instrument_id,
        raw_instrument_id=instrument.instrument_id,
        ts_event=max(at_ns - DAY_NS, instrument.activation_ns),
        ts_recv=at_ns,
        raw_symbol=instrument.symbol,
        instrument_class=kind,
        security_update_action=dbn.SecurityUpdateAction.ADD,
        min_price_increment=listing.tick,
        min_price_increment_amount=listing.tick * MULTIPLIER,
        expiration=instrument.expiration_ns,
        activation=instrument.activation_ns,
        asset="ES",
        group="ES",
        security_type="FUT",
        secsubtype="" if outright else "EQ",
        cfi="FFIXSX" if outright else "FMIXSX",
        user_defined_instrument=dbn.UserDefinedInstrument.NO,
        maturity_year=near.year,
        maturity_month=near.month,
        maturity_day=expires.day,
        market_segment_id=64,
        channel_id=310,
        appl_id=310,
        **COMMON,
        **legs,
    )
