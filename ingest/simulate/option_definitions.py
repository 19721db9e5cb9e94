"""Definition records of the options, repeated over the day, some of them old and some wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import databento_dbn as dbn
import numpy as np

from es_physics.calendar import DAY_NS, utc_midnight_ns
from ingest.simulate.definitions import COMMON, MULTIPLIER
from ingest.simulate.hours import SECOND_NS, Session
from ingest.simulate.instruments import PRICE_SCALE
from ingest.simulate.option_series import Option, Series, UserDefinedSpread

_TICK = PRICE_SCALE // 20
_LISTED_DAYS = 28
_RECORD_SPACING_NS = 1_000
_REPEATED = 0.1
_WEEK_OLD = 7
"""One in so many records of the first snapshot was made a week before it."""
_CORRECTED = 0.05
"""Share of the later series whose first record has today's expiration by mistake."""


def option_definition_records(
    rng: np.random.Generator,
    session: Session,
    all_series: list[Series],
    spread: UserDefinedSpread,
) -> bytes:
    """Encoded records: everything at the start of the UTC day, some of it again later.

    The first of `all_series` is the one that expires with the session, the second a later one.
    What was wrong is put right before the cash session opens.
    """
    midnight = utc_midnight_ns(session.trade_date)
    today, later = all_series[:2]
    seconds = session.seconds_ns[session.seconds_ns >= midnight + SECOND_NS]
    before_open = seconds[seconds < session.rth_start_ns]
    options = [(series, option) for series in all_series for option in series.options]
    corrected = set(_some(rng, len(later.options), _CORRECTED))
    wrong = {later.options[number].instrument_id for number in corrected}

    def made(series: Series, option: Option, at_ns: int, age_ns: int, *, again: bool) -> bytes:
        is_wrong = option.instrument_id in wrong and not again
        expiration_ns = today.expiration_ns if is_wrong else series.expiration_ns
        return bytes(_option(series, option, expiration_ns, at_ns, age_ns, again=again))

    records = []
    for number, (series, option) in enumerate(options):
        age_ns = 7 * DAY_NS if number % _WEEK_OLD == 0 else DAY_NS
        at_ns = midnight + number * _RECORD_SPACING_NS
        records.append((at_ns, made(series, option, at_ns, age_ns, again=False)))
    for number in range(2):
        at_ns = midnight + (len(options) + number) * _RECORD_SPACING_NS
        records.append((at_ns, bytes(_leg(spread, number, at_ns))))
    repeated = [(number, seconds) for number in _some(rng, len(options), _REPEATED)]
    repeated += [(len(today.options) + number, before_open) for number in sorted(corrected)]
    for number, moments in repeated:
        at_ns = int(rng.choice(moments)) + number
        records.append((at_ns, made(*options[number], at_ns, SECOND_NS, again=True)))
    return b"".join(record for _, record in sorted(records))


def _some(rng: np.random.Generator, count: int, share: float) -> list[int]:
    """About that share of the numbers below `count`, at least one, ascending."""
    return sorted(rng.choice(count, max(1, round(share * count)), replace=False).tolist())


def _option(
    series: Series, option: Option, expiration_ns: int, at_ns: int, age_ns: int, *, again: bool
) -> dbn.InstrumentDefMsg:
    right = "C" if option.is_call else "P"
    style = "A" if series.is_am_settled else "E"
    return _record(
        series,
        option.instrument_id,
        option.symbol,
        expiration_ns,
        at_ns,
        age_ns,
        is_user_defined=series.is_user_defined,
        instrument_class=dbn.InstrumentClass.CALL if option.is_call else dbn.InstrumentClass.PUT,
        strike_price=option.strike * PRICE_SCALE,
        strike_price_currency="USD",
        security_type="OOF",
        cfi=f"O{right}{style}FPS",
        security_update_action=(
            dbn.SecurityUpdateAction.MODIFY if again else dbn.SecurityUpdateAction.ADD
        ),
    )


def _leg(spread: UserDefinedSpread, number: int, at_ns: int) -> dbn.InstrumentDefMsg:
    """The spread's record for one of its legs."""
    leg = spread.legs[number]
    return _record(
        spread.series,
        spread.instrument_id,
        spread.symbol,
        spread.series.expiration_ns,
        at_ns,
        DAY_NS,
        is_user_defined=True,
        instrument_class=dbn.InstrumentClass.OPTION_SPREAD,
        security_type="OOF",
        secsubtype="VT",
        cfi="OMXXXX",
        security_update_action=dbn.SecurityUpdateAction.ADD,
        leg_count=len(spread.legs),
        leg_index=number,
        leg_instrument_id=leg.instrument_id,
        leg_raw_symbol=leg.symbol,
        leg_instrument_class=dbn.InstrumentClass.CALL,
        leg_side=dbn.Side.BID if number == 0 else dbn.Side.ASK,
        leg_ratio_qty_numerator=1,
        leg_ratio_qty_denominator=1,
    )


def _record(
    series: Series,
    instrument_id: int,
    symbol: str,
    expiration_ns: int,
    at_ns: int,
    age_ns: int,
    *,
    is_user_defined: bool,
    **fields: Any,
) -> dbn.InstrumentDefMsg:
    flag = dbn.UserDefinedInstrument.YES if is_user_defined else dbn.UserDefinedInstrument.NO
    return dbn.InstrumentDefMsg(
        instrument_id=instrument_id,
        raw_instrument_id=instrument_id,
        ts_event=at_ns - age_ns,
        ts_recv=at_ns,
        raw_symbol=symbol,
        min_price_increment=_TICK,
        min_price_increment_amount=_TICK * MULTIPLIER,
        expiration=expiration_ns,
        activation=utc_midnight_ns(series.expiry - timedelta(days=_LISTED_DAYS)),
        asset=series.root,
        group="EW",
        underlying=series.underlying.symbol,
        underlying_id=series.underlying.instrument_id,
        user_defined_instrument=flag,
        maturity_year=series.expiry.year,
        maturity_month=series.expiry.month,
        maturity_day=series.expiry.day,
        market_segment_id=68,
        channel_id=311,
        appl_id=311,
        **COMMON,
        **fields,
    )
