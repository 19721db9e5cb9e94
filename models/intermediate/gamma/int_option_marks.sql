with

session as (
    select * from {{ ref('int_session') }}
),

marks as (
    select * from {{ ref('int_minute_marks') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

underlyings as (
    select * from {{ ref('int_option_underlyings') }}
),

quotes as (
    select * from {{ ref('int_option_quotes') }}
),

flows as (
    select * from {{ ref('int_option_flows') }}
),

open_interest as (
    select * from {{ ref('int_option_open_interest') }}
),

front_prices as (
    select
        mark_ns,
        price
    from underlyings
    where is_front_month
),

-- A quote, open interest and a position hold until there are new ones. What a mark sees is later
-- than what the marks before it saw, so its last source is its latest.
states as (
    select
        marks.mark_ns,
        chain.instrument_id,
        last_value(if(quotes.ts_ns is null, null, struct_pack(
            bid := quotes.bid_price_nano, ask := quotes.ask_price_nano, ts_ns := quotes.ts_ns
        )) ignore nulls) over so_far as quote,
        last_value(open_interest.open_interest ignore nulls) over so_far as open_interest,
        coalesce(sum(flows.customer_net_volume) over so_far, 0)::bigint as customer_net_volume,
        last_value(
            greatest(quotes.ts_ns, flows.ts_ns, open_interest.ts_ns) ignore nulls
        ) over so_far as option_source_ts_ns
    from marks
    cross join chain
    left join quotes using (mark_ns, instrument_id)
    left join flows using (mark_ns, instrument_id)
    left join open_interest using (mark_ns, instrument_id)
    window so_far as (
        partition by chain.instrument_id order by marks.mark_ns
        rows between unbounded preceding and current row
    )
),

first_open_interest as (
    select min(mark_ns) as first_mark_ns
    from open_interest
),

int_option_marks as (
    select
        states.mark_ns,
        instrument_id,
        chain.expiration_ns,
        chain.strike,
        chain.strike_price_nano,
        chain."right",
        chain.multiplier,
        underlyings.price as underlying_price,
        underlyings.price_age_s as underlying_price_age_s,
        front_prices.price - underlyings.price as calendar_basis,
        states.quote.bid as bid_price_nano,
        states.quote.ask as ask_price_nano,
        (states.mark_ns - states.quote.ts_ns) / 1e9 as quote_age_s,
        -- None of the chain has any yet: unknown. Later, one without it has none.
        case
            when states.mark_ns >= first_open_interest.first_mark_ns
                then coalesce(states.open_interest, 0)
        end as open_interest,
        case when session.has_options_trades then -states.customer_net_volume end
            as dealer_net_position,
        states.option_source_ts_ns
    from states
    inner join chain using (instrument_id)
    cross join session
    cross join first_open_interest
    left join front_prices using (mark_ns)
    left join underlyings using (mark_ns, underlying)
)

select * from int_option_marks
order by mark_ns, instrument_id
