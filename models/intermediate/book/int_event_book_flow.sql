{%- set barrier_reach = "(" ~ var('barrier_zone_ticks') ~ " * specs.tick_size_points)" -%}

with

pairs as (
    select * from {{ ref('int_book_pairs') }}
),

seconds as (
    select * from {{ ref('int_book_seconds') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

events as (
    select * from {{ ref('int_zone_entries') }}
),

specs as (
    select * from {{ ref('contract_specs') }}
),

-- The cells of each event's longest window, marked with the windows they belong to.
event_cells as (
    select
        events.event_id,
        events.level_price,
        events.dir_sign,
        events.level_price - {{ barrier_reach }} as zone_low,
        events.level_price + {{ barrier_reach }} as zone_high,
        boundaries.boundary_nr as cell_nr,
        {%- for window in var('ofi_windows_s') %}
        boundaries.boundary_ns > events.event_ts_ns - {{ window }} * 1000000000::bigint
            as is_in_{{ window }}s,
        {%- endfor %}
        boundaries.boundary_ns
        > events.event_ts_ns - {{ var('barrier_window_s') }} * 1000000000::bigint as is_in_barrier
    from events
    cross join specs
    inner join boundaries
        on
            events.event_ts_ns >= boundaries.boundary_ns
            and events.event_ts_ns - greatest(
                {{ var('barrier_window_s') }}, {{ var('ofi_windows_s') | join(', ') }}
            ) * 1000000000::bigint < boundaries.boundary_ns
),

pairs_in_cells as (
    select
        {{ book_cell_nr() }} as cell_nr,
        pairs.*
    from pairs
    inner join seconds on pairs.ts_ns // 1000000000 = seconds.second
),

-- Only prices that both rows show can have changed: a ladder of ten levels ends at its tenth.
event_pairs as (
    select
        event_cells.*,
        pairs_in_cells.* exclude (cell_nr),
        least(zone_high, ask_px_09, earlier_ask_px_09) as ask_high,
        greatest(zone_low, bid_px_09, earlier_bid_px_09) as bid_low
    from pairs_in_cells
    inner join event_cells using (cell_nr)
),

flows as (
    select
        event_id,
        is_pair,
        {%- for window in var('ofi_windows_s') %}
        is_in_{{ window }}s,
        {%- endfor %}
        is_in_barrier,
        case when is_pair then
            0.0
            {%- for level in book_levels() %}
            + {{ near_level_ofi('bid', level) }} - {{ near_level_ofi('ask', level) }}
            {%- endfor %}
        else 0 end as ofi_near_level,
        case
            when not is_pair then 0
            when dir_sign = 1
                then
                    {{ zone_size('ask', 'zone_low', 'ask_high') }}
                    - {{ zone_size('ask', 'zone_low', 'ask_high', 'earlier_') }}
            else
                {{ zone_size('bid', 'bid_low', 'zone_high') }}
                - {{ zone_size('bid', 'bid_low', 'zone_high', 'earlier_') }}
        end as depth_change
    from event_pairs
),

-- The weighted sum is taken over multiples of 2^-44 contracts: exact to far below what its inputs
-- carry, and the same in any order.
int_event_book_flow as (
    select
        event_id,
        {%- for window in var('ofi_windows_s') %}
        sum(round(ofi_near_level * 2 ** 44)::bigint) filter (is_in_{{ window }}s)::double / 2 ** 44
            as ofi_near_level_{{ window }}s,
        {%- endfor %}
        sum(greatest(depth_change, 0)) filter (is_in_barrier)::bigint as barrier_added,
        sum(greatest(-depth_change, 0)) filter (is_in_barrier)::bigint as barrier_removed
    from flows
    group by event_id
)

select * from int_event_book_flow
