with

orders as (
    select * from {{ ref('int_event_sweep_orders') }}
),

neighbours as (
    select
        *,
        coalesce(
            side <> lag(side) over in_order
            or first_ts_ns - lag(last_ts_ns) over in_order
            > {{ var('sweep_cluster_gap_ms') }} * 1000000::bigint,
            true
        ) as starts_cluster
    from orders
    window in_order as (partition by event_id order by order_nr)
),

numbered as (
    select
        *,
        count(*) filter (starts_cluster) over (partition by event_id order by order_nr)
            as cluster_nr
    from neighbours
),

int_event_sweep_clusters as (
    select
        event_id,
        cluster_nr,
        count(*) as order_count,
        any_value(side) as side,
        sum(size)::bigint as size,
        max(level_count) as level_count,
        max(last_ts_ns) as last_ts_ns
    from numbered
    group by event_id, cluster_nr
)

select * from int_event_sweep_clusters
order by event_id, cluster_nr
