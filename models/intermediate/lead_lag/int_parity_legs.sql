with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

underlyings as (
    select * from {{ ref('int_option_underlyings') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

minutes as (
    select unnest(range(rth_start_ns, event_end_ns, 60000000000)) as minute_start_ns
    from session
),

-- What the futures stood at when each minute began; the open itself is no minute mark.
prices as (
    select
        mark_ns as minute_start_ns,
        underlying,
        price
    from underlyings
    union all
    select
        session.rth_start_ns as minute_start_ns,
        trades.symbol as underlying,
        last(trades.price order by trades.ts_ns, trades.row_nr) as price
    from trades
    inner join session
        on
            trades.trade_date = session.session_date
            and trades.ts_ns >= session.trade_date_start_ns
            and trades.ts_ns <= session.rth_start_ns
    where trades.price is not null
    group by session.rth_start_ns, trades.symbol
),

-- Seen from the future that its first instrument by number delivers.
series as (
    select
        expiration_ns,
        first(underlying order by instrument_id) as underlying
    from chain
    group by expiration_ns
),

-- The series that expires next.
nearest as (
    select
        minutes.minute_start_ns,
        chain.instrument_id,
        chain.strike_price_nano,
        chain."right",
        series.underlying
    from minutes
    asof inner join series on minutes.minute_start_ns < series.expiration_ns
    inner join chain on series.expiration_ns = chain.expiration_ns
),

-- Of several instruments of one strike and right the first by number.
strikes as (
    select
        minute_start_ns,
        strike_price_nano,
        round(any_value(prices.price) * 1e9)::bigint as forward_nano,
        min(nearest.instrument_id) filter (nearest."right" = 'C') as call_id,
        min(nearest.instrument_id) filter (nearest."right" = 'P') as put_id
    from nearest
    inner join prices using (minute_start_ns, underlying)
    where prices.price is not null
    group by minute_start_ns, strike_price_nano
),

near_strikes as (
    select
        *,
        row_number() over (
            partition by minute_start_ns
            order by abs(strike_price_nano - forward_nano), strike_price_nano
        ) as strike_nr,
        count(*) over (partition by minute_start_ns) as strike_count
    from strikes
    where
        call_id is not null
        and put_id is not null
),

-- Two strikes with both rights, the nearest; none where there are not two.
int_parity_legs as (
    select
        minute_start_ns,
        unnest([2 * strike_nr - 1, 2 * strike_nr])::integer as leg_nr,
        unnest([call_id, put_id]) as instrument_id,
        strike_price_nano
    from near_strikes
    where
        strike_nr <= 2
        and strike_count >= 2
)

select * from int_parity_legs
order by minute_start_ns, leg_nr
