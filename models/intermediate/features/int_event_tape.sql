with

events as (
    select * from {{ ref('int_events') }}
),

trades as (
    select * from {{ ref('int_event_tape_trades') }}
),

sweeps as (
    select * from {{ ref('int_event_sweeps') }}
),

-- Least squares from integer sums (1e-9 points, ns), so that the order of rows cannot matter.
sums as (
    select
        event_id,
        coalesce(sum(size) filter (is_near and aggressor_side = 'B'), 0)::bigint
            as tape_buy_volume,
        coalesce(sum(size) filter (is_near and aggressor_side = 'A'), 0)::bigint
            as tape_sell_volume,
        count(*)::hugeint as n,
        sum(ts_from_anchor_ns)::hugeint as sum_x,
        sum(round(price_from_spot * 1e9)::hugeint)::hugeint as sum_y,
        sum(ts_from_anchor_ns::hugeint * ts_from_anchor_ns)::hugeint as sum_xx,
        sum(ts_from_anchor_ns * round(price_from_spot * 1e9)::hugeint)::hugeint as sum_xy,
        max(ts_ns) as trade_source_ts_ns
    from trades
    group by event_id
),

int_event_tape as (
    select
        events.event_id,
        sums.tape_buy_volume,
        sums.tape_sell_volume,
        (sums.tape_buy_volume - sums.tape_sell_volume)
        / nullif(sums.tape_buy_volume + sums.tape_sell_volume, 0) as tape_imbalance,
        (sums.n * sums.sum_xy - sums.sum_x * sums.sum_y)::double
        / nullif((sums.n * sums.sum_xx - sums.sum_x * sums.sum_x)::double, 0) as tape_velocity,
        coalesce(sweeps.sweep_count, 0) as sweep_count,
        coalesce(sweeps.sweep_net_size, 0) as sweep_net_size,
        coalesce(sweeps.sweep_count, 0) > 0 as sweep_detected,
        sums.trade_source_ts_ns
    from events
    inner join sums using (event_id)
    left join sweeps using (event_id)
)

select * from int_event_tape
