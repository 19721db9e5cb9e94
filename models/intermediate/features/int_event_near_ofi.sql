with

events as (
    select * from {{ ref('int_events') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
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

flow_windows as (
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
        flow_windows.event_id,
        flow_windows.window_s,
        flow_windows.level_price,
        flows.part.price,
        sum(flows.part.flow) as flow
    from flow_windows
    inner join boundaries
        on
            flow_windows.event_ts_ns - flow_windows.window_s * 1000000000::bigint
            < boundaries.boundary_ns
            and flow_windows.event_ts_ns >= boundaries.boundary_ns
    inner join flows on boundaries.boundary_nr = flows.cell_nr
    group by all
),

-- The weighted sum is taken over multiples of 2^-44 contracts: exact to far below what its inputs
-- carry, and the same in any order.
near_flows as (
    select
        event_id,
        window_s,
        sum(round(
            flow * exp(-abs(price - level_price) / {{ var('ofi_near_level_scale') }}) * 2 ** 44
        )::hugeint)::double / 2 ** 44 as ofi_near_level
    from price_flows
    group by event_id, window_s
),

-- Without a change in the window it is 0, without a state unknown.
int_event_near_ofi as (
    select
        events.event_id
        {%- for window in list_var('ofi_windows_s') %},
        case
            when window_{{ window }}.window_s is not null
                then coalesce(near_{{ window }}.ofi_near_level, 0)
        end as ofi_near_level_{{ window }}s
        {%- endfor %}
    from events
    {%- for window in list_var('ofi_windows_s') %}
    left join windows as window_{{ window }}
        on
            events.event_ts_ns = window_{{ window }}.anchor_ts_ns
            and window_{{ window }}.window_s = {{ window }}
    left join near_flows as near_{{ window }}
        on
            events.event_id = near_{{ window }}.event_id
            and near_{{ window }}.window_s = {{ window }}
    {%- endfor %}
)

select * from int_event_near_ofi
