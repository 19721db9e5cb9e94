with

events as (
    select * from {{ ref('int_events') }}
),

trades as (
    select * from {{ ref('int_event_tape_trades') }}
),

clusters as (
    select * from {{ ref('int_event_sweep_clusters') }}
),

traded as (
    select
        event_id,
        sum(size) as size
    from trades
    group by event_id
),

swept as (
    select
        event_id,
        sum(order_count)::bigint as order_count,
        sum(side * size)::bigint as net_size,
        sum(size)::bigint as size,
        max(level_count) as levels_max,
        count(*) as cluster_count,
        -- Of clusters of one size the later.
        arg_max(side * size, (size, cluster_nr)) as cluster_net_size,
        max(last_ts_ns) as last_ts_ns
    from clusters
    group by event_id
),

int_event_sweep_pressure as (
    select
        events.event_id,
        coalesce(swept.order_count, 0) as sweep_order_count,
        coalesce(events.dir_sign * swept.net_size, 0) as sweep_order_net_size,
        coalesce(swept.levels_max, 0) as sweep_levels_max,
        coalesce(swept.size, 0) / nullif(traded.size, 0) as sweep_order_share,
        coalesce(swept.cluster_count, 0) as sweep_cluster_count,
        coalesce(events.dir_sign * swept.cluster_net_size, 0) as sweep_cluster_net_size,
        (events.event_ts_ns - swept.last_ts_ns) / 1e9 as seconds_since_sweep
    from events
    left join traded using (event_id)
    left join swept using (event_id)
)

select * from int_event_sweep_pressure
