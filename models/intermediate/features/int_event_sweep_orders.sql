with

trades as (
    select * from {{ ref('int_event_tape_trades') }}
),

-- The exchange gives all trades of one order its event time; without one nothing belongs together.
neighbours as (
    select
        *,
        coalesce(
            aggressor_side <> lag(aggressor_side) over in_order
            or ts_event_ns <> lag(ts_event_ns) over in_order,
            true
        ) as starts_order
    from trades
    window in_order as (partition by event_id order by trade_nr)
),

numbered as (
    select
        *,
        count(*) filter (starts_order) over (partition by event_id order by trade_nr) as order_nr
    from neighbours
),

int_event_sweep_orders as (
    select
        event_id,
        order_nr,
        if(any_value(aggressor_side) = 'B', 1, -1) as side,
        sum(size)::bigint as size,
        count(distinct price) as level_count,
        min(ts_ns) as first_ts_ns,
        max(ts_ns) as last_ts_ns
    from numbered
    where aggressor_side in ('A', 'B')
    group by event_id, order_nr
    having count(distinct price) >= 2
)

select * from int_event_sweep_orders
order by event_id, order_nr
