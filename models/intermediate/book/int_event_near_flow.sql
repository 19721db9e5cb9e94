with

events as (
    select * from {{ ref('int_events') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

flows as (
    select
        cell_nr,
        unnest(price_flows) as part
    from cells
),

windows as (
    select
        event_id,
        event_ts_ns,
        level_price,
        unnest([{{ list_var('ofi_windows_s') | join(', ') }}]) as window_s
    from events
),

-- Whole numbers first, over the window as a whole: where its cells end depends on other events, and
-- a sum that was rounded cell by cell would move in its last digit with them.
price_flows as (
    select
        windows.event_id,
        windows.window_s,
        windows.level_price,
        flows.part.price,
        sum(flows.part.flow) as flow
    from windows
    inner join boundaries
        on
            windows.event_ts_ns - windows.window_s * 1000000000::bigint < boundaries.boundary_ns
            and windows.event_ts_ns >= boundaries.boundary_ns
    inner join flows on boundaries.boundary_nr = flows.cell_nr
    group by all
),

-- The weighted sum is taken over multiples of 2^-44 contracts: exact to far below what its inputs
-- carry, and the same in any order.
int_event_near_flow as (
    select
        event_id,
        window_s,
        sum(round(
            flow * exp(-abs(price - level_price) / {{ var('ofi_near_level_scale') }}) * 2 ** 44
        )::hugeint)::double / 2 ** 44 as ofi_near_level
    from price_flows
    group by event_id, window_s
)

select * from int_event_near_flow
order by event_id, window_s
