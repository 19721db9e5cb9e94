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
        arg_max(trades.price, trades.row_nr) as price
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

-- Strikes with both rights, of several instruments of one right the first by number.
strikes as (
    select
        expiration_ns,
        strike_price_nano,
        min(instrument_id) filter ("right" = 'C') as call_id,
        min(instrument_id) filter ("right" = 'P') as put_id
    from chain
    group by expiration_ns, strike_price_nano
    having call_id is not null and put_id is not null
),

-- The two nearest of the series that expires next, of equally near ones the lower first.
nearest as (
    select
        minutes.minute_start_ns,
        arg_min(
            strikes,
            (
                abs(strikes.strike_price_nano - round(prices.price * 1e9)::bigint),
                strikes.strike_price_nano
            ),
            2
        ) as pair
    from minutes
    asof inner join series on minutes.minute_start_ns < series.expiration_ns
    inner join prices using (minute_start_ns, underlying)
    inner join strikes on series.expiration_ns = strikes.expiration_ns
    where prices.price is not null
    group by minutes.minute_start_ns
),

-- None where there are not two.
int_parity_legs as (
    select
        minute_start_ns,
        unnest([1, 2, 3, 4]) as leg_nr,
        unnest([pair[1].call_id, pair[1].put_id, pair[2].call_id, pair[2].put_id]) as instrument_id,
        pair[(leg_nr + 1) // 2].strike_price_nano as strike_price_nano
    from nearest
    where len(pair) = 2
)

select * from int_parity_legs
order by minute_start_ns, leg_nr
