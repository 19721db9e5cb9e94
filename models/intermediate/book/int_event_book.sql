with

events as (
    select * from {{ ref('int_events') }}
),

steps as (
    select * from {{ ref('int_event_steps') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- Whole ticks around the level, the barrier's zone always among them.
ranges as (
    select
        events.event_id,
        session.tick_size_points,
        greatest(20, {{ var('barrier_zone_ticks') }}) * session.tick_size_points as reach,
        ceil((events.level_price - reach) / session.tick_size_points)::bigint as first_tick,
        floor((events.level_price + reach) / session.tick_size_points)::bigint as last_tick
    from events
    cross join session
),

-- A step is a boundary, so that the newest state at or before it is the last of a cell.
ladders as (
    select
        steps.event_id,
        steps.offset_s,
        cells.last_ts_ns,
        cells.prices,
        cells.sizes
    from steps
    asof inner join cells on steps.step_ns >= cells.last_ts_ns
    where steps.has_book
),

sides as (
    select
        ladders.event_id,
        ladders.offset_s,
        ladders.last_ts_ns,
        ranges.first_tick,
        ranges.last_tick,
        {%- for side, first in [('bid', 1), ('ask', 2)] %}
        list_transform(
            list_slice(ladders.prices, {{ first }}, {{ first + 18 }}, 2),
            lambda p: round(p / ranges.tick_size_points)::bigint
        ) as {{ side }}_ticks,
        list_slice(ladders.sizes, {{ first }}, {{ first + 18 }}, 2) as {{ side }}_ladder
        {{- ',' if not loop.last }}
        {%- endfor %}
    from ladders
    inner join ranges using (event_id)
),

-- Beyond the tenth price of a side nothing is known; up to it nobody stands where no price is.
shown as (
    select
        event_id,
        offset_s,
        last_ts_ns,
        {%- for side, beyond in [('bid', '<'), ('ask', '>')] %}
        list_transform(
            range(first_tick, last_tick + 1),
            lambda t: case
                when t {{ beyond }} {{ side }}_ticks[10] then null
                else coalesce({{ side }}_ladder[list_position({{ side }}_ticks, t)], 0)::bigint
            end
        ) as {{ side }}_sizes
        {{- ',' if not loop.last }}
        {%- endfor %}
    from sides
),

int_event_book as (
    select
        steps.event_id,
        steps.offset_s,
        ranges.first_tick * ranges.tick_size_points as lowest_price,
        shown.bid_sizes,
        shown.ask_sizes,
        shown.last_ts_ns as book_source_ts_ns
    from steps
    inner join ranges using (event_id)
    left join shown using (event_id, offset_s)
)

select * from int_event_book
order by event_id, offset_s
