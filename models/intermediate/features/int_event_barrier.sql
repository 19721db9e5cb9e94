with

events as (
    select * from {{ ref('int_events') }}
),

replenishment as (
    select * from {{ ref('int_event_replenishment') }}
),

zone_depth as (
    select * from {{ ref('int_event_zone_depth') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

totals as (
    select
        event_id,
        sum(added)::bigint as barrier_added,
        sum(removed)::bigint as barrier_removed,
        sum(passive_volume)::bigint as passive_volume
    from replenishment
    group by event_id
),

amounts as (
    select
        totals.*,
        case
            when totals.barrier_removed is not null
                then least(totals.barrier_removed, totals.passive_volume)
        end as barrier_filled,
        zone_depth.barrier_visible_share,
        zone_depth.depth_in_zone,
        zone_depth.zone_size_per_level / nullif(
            if(events.dir_sign = 1, windows.ask_size_per_level, windows.bid_size_per_level), 0
        ) as wall_ratio
    from events
    inner join totals using (event_id)
    left join zone_depth using (event_id)
    left join windows
        on
            events.event_ts_ns = windows.anchor_ts_ns
            and windows.window_s = {{ var('wall_baseline_s') }}
),

changes as (
    select
        *,
        barrier_removed - barrier_filled as barrier_pulled,
        barrier_added - barrier_removed as barrier_delta_liq,
        barrier_added / nullif(barrier_removed, 0) as barrier_replenishment_ratio,
        barrier_added + barrier_removed as barrier_churn,
        -- Nothing was lost: any gain replenishes without bound.
        case
            when barrier_removed > 0 then barrier_added / barrier_removed
            when barrier_added > 0 then 'infinity'::double
        end as ratio
    from amounts
),

int_event_barrier as (
    select
        * exclude (ratio),
        case
            when barrier_delta_liq is null then null
            -- A sliver of a zone that is out of sight says nothing of its strength.
            when barrier_visible_share < {{ var('barrier_min_visible_share') }} then null
            when
                ratio < {{ var('barrier_vacuum_ratio') }}
                and barrier_delta_liq < -{{ var('barrier_delta_large') }}
                then 'VACUUM'
            when
                ratio > {{ var('barrier_wall_ratio') }}
                and barrier_delta_liq > {{ var('barrier_delta_large') }}
                then 'WALL'
            when
                barrier_delta_liq < -{{ var('barrier_delta_large') }}
                and barrier_filled > barrier_pulled
                then 'CONSUMED'
            when
                barrier_delta_liq > 0
                and ratio > {{ var('barrier_absorption_ratio') }}
                then 'ABSORPTION'
            when depth_in_zone < {{ var('barrier_weak_depth') }} then 'WEAK'
            when
                abs(barrier_delta_liq) < {{ var('barrier_delta_small') }}
                and barrier_churn > {{ var('barrier_churn_active') }}
                then 'ABSORPTION'
            else 'NEUTRAL'
        end as barrier_state
    from changes
)

select * from int_event_barrier
