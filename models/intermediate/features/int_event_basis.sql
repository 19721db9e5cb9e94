with

events as (
    select * from {{ ref('int_events') }}
),

spx as (
    select * from {{ ref('stg_index__spx') }}
),

-- Of several prices at one time the last in order counts.
spx_prices as (
    select
        ts_ns,
        last(price order by row_nr) as price
    from spx
    group by ts_ns
),

int_event_basis as (
    select
        events.event_id,
        events.spot - spx_prices.price as es_spx_basis
    from events
    asof left join spx_prices on events.event_ts_ns >= spx_prices.ts_ns
)

select * from int_event_basis
