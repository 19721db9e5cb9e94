{%- set bands = [(0, 0), (1, 2), (3, 5), (6, 9)] -%}

with

events as (
    select * from {{ ref('int_events') }}
),

ladders as (
    select * from {{ ref('int_anchor_ladders') }}
),

session as (
    select * from {{ ref('int_session') }}
),

levels as (
    select
        events.event_id,
        events.level_price,
        events.dir_sign,
        session.tick_size_points,
        unnest(range(20)) % 2 = if(events.dir_sign = 1, 1, 0) as is_defending,
        unnest(range(20)) // 2 as level,
        unnest(ladders.prices) as price,
        unnest(ladders.sizes) as size
    from events
    cross join session
    inner join ladders on events.event_ts_ns = ladders.anchor_ts_ns
),

placed as (
    select
        *,
        round(abs(price - max(if(level = 0, price, null)) over (
            partition by event_id, is_defending
        )) / tick_size_points) as ticks_from_best,
        -- Positive behind the level, where the defending side retreats to.
        dir_sign * (price - level_price) as points_behind_level
    from levels
),

sums as (
    select
        event_id,
        {%- for side, is_defending in [('defending', ''), ('attacking', 'not ')] %}
        count(price) filter ({{ is_defending }}is_defending and level = 0) > 0 as has_{{ side }},
        {%- for low, high in bands %}
        coalesce(sum(size) filter (
            {{ is_defending }}is_defending and ticks_from_best between {{ low }} and {{ high }}
        ), 0)::bigint as {{ side }}_{{ low }}_{{ high }},
        {%- endfor %}
        {%- endfor %}
        coalesce(sum(size) filter (
            is_defending and points_behind_level < -tick_size_points / 2
        ), 0)::bigint as depth_to_level,
        coalesce(sum(size) filter (
            is_defending and abs(points_behind_level) <= tick_size_points / 2
        ), 0)::bigint as depth_at_level,
        -- The first tick within half a tick of the level, and the last price that is shown.
        any_value(if(
            dir_sign = 1,
            ceil((level_price - tick_size_points / 2) / tick_size_points),
            -floor((level_price + tick_size_points / 2) / tick_size_points)
        )) as level_tick,
        max(dir_sign * round(price / tick_size_points)) filter (is_defending and level = 9)
            as tenth_tick
    from placed
    group by event_id
),

int_event_depth_profile as (
    select
        event_id,
        {%- for side in ['defending', 'attacking'] %}
        {%- for low, high in bands %}
        case when has_{{ side }} then {{ side }}_{{ low }}_{{ high }} end
            as depth_{{ side }}_{{ low if low == high else low ~ '_' ~ high }},
        {%- endfor %}
        {%- endfor %}
        case when level_tick <= coalesce(tenth_tick, level_tick) then depth_to_level end
            as depth_to_level,
        case when level_tick <= coalesce(tenth_tick, level_tick) then depth_at_level end
            as depth_at_level
    from sums
)

select * from int_event_depth_profile
order by event_id
