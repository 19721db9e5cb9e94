with

session as (
    select * from {{ ref('int_session') }}
),

legs as (
    select * from {{ ref('int_parity_legs') }}
),

quotes as (
    select * from {{ ref('stg_databento__options_nbbo') }}
),

-- The minute (start, end] of a quote; in its last second it may be seen in the next one too.
leg_quotes as (
    select
        quotes.instrument_id,
        quotes.ts_ns,
        quotes.row_nr,
        case
            when quotes.bid_price_nano > 0 then quotes.bid_price_nano + quotes.ask_price_nano
        end as doubled_mid_nano,
        session.rth_start_ns
        + (quotes.ts_ns - session.rth_start_ns + 59999999999) // 60000000000 * 60000000000
            as minute_end_ns
    from quotes
    inner join session
        on
            quotes.trade_date = session.session_date
            and quotes.ts_ns > session.rth_start_ns - 1000000000
            and quotes.ts_ns <= session.event_end_ns
    where quotes.instrument_id in (select legs.instrument_id from legs)
),

seen as (
    select
        *,
        unnest(
            if(
                ts_ns > minute_end_ns - 1000000000,
                [minute_end_ns - 60000000000, minute_end_ns],
                [minute_end_ns - 60000000000]
            )
        ) as minute_start_ns
    from leg_quotes
),

-- What each of the four legs, calls and puts in turn, last said of twice the price; one side alone
-- is a quote without a mid.
states as (
    select
        legs.minute_start_ns,
        seen.ts_ns,
        {%- for leg in [1, 2, 3, 4] %}
        {%- set strike_and = '2 * legs.strike_price_nano + ' if leg is odd else '-' %}
        last_value(
            if(
                legs.leg_nr = {{ leg }},
                struct_pack(
                    ts_ns := seen.ts_ns,
                    doubled_nano := {{ strike_and }}seen.doubled_mid_nano
                ),
                null
            ) ignore nulls
        ) over so_far as leg_{{ leg }},
        {%- endfor %}
        lead(seen.ts_ns) over so_far as next_ts_ns
    from seen
    inner join legs using (minute_start_ns, instrument_id)
    window so_far as (partition by legs.minute_start_ns order by seen.ts_ns, seen.row_nr)
),

-- Put-call parity: call less put plus strike is the underlying's price. Four times the mean of two
-- strikes is a whole number.
int_implied_prices as (
    select
        ts_ns,
        leg_1.doubled_nano + leg_2.doubled_nano + leg_3.doubled_nano + leg_4.doubled_nano
            as price_quarter_nanos
    from states
    where
        ts_ns > minute_start_ns
        and next_ts_ns is distinct from ts_ns
        and ts_ns - least(leg_1.ts_ns, leg_2.ts_ns, leg_3.ts_ns, leg_4.ts_ns) <= 1000000000
        and price_quarter_nanos is not null
)

select * from int_implied_prices
order by ts_ns
