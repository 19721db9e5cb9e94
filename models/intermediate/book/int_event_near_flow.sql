with

events as (
    select * from {{ ref('int_zone_entries') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

flows as (
    select * from {{ ref('int_book_flows') }}
),

windows as (
    select
        event_id,
        event_ts_ns,
        level_price,
        unnest([{{ var('ofi_windows_s') | join(', ') }}]) as window_s
    from events
),

-- The weighted sum is taken over multiples of 2^-44 contracts: exact to far below what its inputs
-- carry, and the same in any order.
int_event_near_flow as (
    select
        windows.event_id,
        windows.window_s,
        sum(round(
            flows.flow * exp(
                -abs(flows.price - windows.level_price) / {{ var('ofi_near_level_scale') }}
            ) * 2 ** 44
        )::hugeint)::double / 2 ** 44 as ofi_near_level
    from windows
    inner join boundaries
        on
            windows.event_ts_ns - windows.window_s * 1000000000::bigint < boundaries.boundary_ns
            and windows.event_ts_ns >= boundaries.boundary_ns
    inner join flows on boundaries.boundary_nr = flows.cell_nr
    group by windows.event_id, windows.window_s
)

select * from int_event_near_flow
order by event_id, window_s
