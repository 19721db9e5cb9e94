{%- set windows = list_var('premium_windows_s') -%}

with

session as (
    select * from {{ ref('int_session') }}
),

events as (
    select * from {{ ref('int_zone_entries') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

trades as (
    select * from {{ ref('stg_databento__options_trades') }}
),

-- What the aggressor paid, received where negative, in 1e-18 USD: whole numbers, whose sums no
-- order can change. A trade without a side or a price moves nothing, and is read all the same.
premiums as (
    select
        trades.ts_ns,
        chain."right",
        case trades.aggressor_side when 'B' then 1 when 'A' then -1 else 0 end
        * round(trades.price * 1e9)::hugeint * trades.size * round(chain.multiplier * 1e9)::hugeint
            as premium
    from trades
    inner join session on trades.trade_date = session.session_date
    inner join chain using (instrument_id)
),

sums as (
    select
        events.event_id,
        {%- for right, name in [('C', 'call'), ('P', 'put')] %}
        {%- for w in windows %}
        sum(premiums.premium) filter (
            premiums."right" = '{{ right }}'
            and premiums.ts_ns > events.event_ts_ns - {{ w }} * 1000000000::bigint
        ) as {{ name }}_premium_flow_{{ w }}s,
        {%- endfor %}
        {%- endfor %}
        max(premiums.ts_ns) as option_source_ts_ns
    from events
    inner join premiums
        on
            events.event_ts_ns - {{ windows | max }} * 1000000000::bigint < premiums.ts_ns
            and events.event_ts_ns >= premiums.ts_ns
    group by events.event_id
),

-- A feed that was never asked for, or no chain: unknown. Without a trade nothing was paid.
int_event_premiums as (
    select
        events.event_id,
        {%- for name in ['call', 'put'] %}
        {%- for w in windows %}
        case
            when session.has_options_trades and exists (select 1 from chain)
                then coalesce(sums.{{ name }}_premium_flow_{{ w }}s, 0)::double / 1e18
        end as {{ name }}_premium_flow_{{ w }}s,
        {%- endfor %}
        {%- endfor %}
        sums.option_source_ts_ns
    from events
    cross join session
    left join sums using (event_id)
)

select * from int_event_premiums
order by event_id
