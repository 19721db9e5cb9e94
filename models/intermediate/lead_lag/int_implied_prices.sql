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

-- A leg is seen in its minute (start, end] and in the last second before it.
leg_minutes as (
    select
        *,
        unnest([minute_start_ns, minute_start_ns + 60000000000]) as minute_end_ns,
        unnest([minute_start_ns - 1000000000, minute_start_ns]) as seen_after_ns
    from legs
),

seen as (
    select
        leg_minutes.minute_start_ns,
        leg_minutes.leg_nr,
        leg_minutes.strike_price_nano,
        quotes.ts_ns,
        quotes.row_nr,
        case
            when quotes.bid_price_nano > 0 then quotes.bid_price_nano + quotes.ask_price_nano
        end as doubled_mid_nano
    from quotes
    inner join session
        on
            quotes.trade_date = session.session_date
            and quotes.ts_ns > session.rth_start_ns - 1000000000
            and quotes.ts_ns <= session.event_end_ns
    inner join leg_minutes
        on
            quotes.instrument_id = leg_minutes.instrument_id
            and {{ bar_start_ns('(quotes.ts_ns + 59999999999)', 1) }} = leg_minutes.minute_end_ns
            and quotes.ts_ns > leg_minutes.seen_after_ns
),

-- What each of the four legs, calls and puts in turn, last said of twice the price; one side alone
-- is a quote without a mid.
states as (
    select
        minute_start_ns,
        ts_ns,
        {%- for leg in [1, 2, 3, 4] %}
        {%- set strike_and = '2 * strike_price_nano + ' if leg is odd else '-' %}
        last_value(
            if(
                leg_nr = {{ leg }},
                struct_pack(
                    ts_ns := ts_ns,
                    doubled_nano := {{ strike_and }}doubled_mid_nano
                ),
                null
            ) ignore nulls
        ) over so_far as leg_{{ leg }},
        {%- endfor %}
        lead(ts_ns) over so_far as next_ts_ns
    from seen
    window so_far as (partition by minute_start_ns order by ts_ns, row_nr)
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
