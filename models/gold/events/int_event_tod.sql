with

events as (
    select * from {{ ref('stg_silver__level_events') }}
),

sessions as (
    select * from {{ ref('int_gold_sessions') }}
),

grid as (
    select * from {{ ref('stg_silver__session_grid') }}
),

profiles as (
    select * from {{ ref('tod_profiles') }}
),

usual as (
    select
        session_date,
        bucket
        {%- for metric in tod_metrics() %},
        max(median) filter (metric = '{{ metric }}') as {{ metric }}_median
        {%- endfor %},
        max(mad) filter (metric = 'ofi_best') as ofi_best_mad
    from profiles
    group by session_date, bucket
),

-- The last step that had ended at the anchor; one from before the open has no time of day.
steps as (
    select
        events.event_id,
        events.session_date,
        grid.* exclude (session_date),
        (grid.grid_start_ns - sessions.rth_start_ns) // 300000000000 as bucket
    from events
    inner join sessions using (session_date)
    asof inner join grid
        on events.session_date = grid.session_date and events.event_ts_ns >= grid.grid_end_ns
    where grid.grid_start_ns >= sessions.rth_start_ns
),

int_event_tod as (
    select
        steps.event_id,
        steps.volume / nullif(usual.volume_median, 0) as volume_tod,
        steps.mean_depth / nullif(usual.mean_depth_median, 0) as depth_tod,
        steps.mean_spread_ticks / nullif(usual.mean_spread_ticks_median, 0) as spread_tod,
        sqrt(steps.realized_variance / nullif(usual.realized_variance_median, 0))
            as volatility_tod,
        (steps.ofi_best - usual.ofi_best_median) / nullif(1.4826 * usual.ofi_best_mad, 0) as ofi_tod
    from steps
    inner join usual using (session_date, bucket)
)

select * from int_event_tod
order by event_id
