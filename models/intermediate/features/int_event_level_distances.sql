with

events as (
    select * from {{ ref('int_zone_entries') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

levels_at_anchor as (
    select
        events.event_id,
        events.spot,
        events.atr,
        events.level_price as own_price,
        level_minutes.level_kind,
        level_minutes.level_price,
        level_minutes.level_kind = events.level_kind as is_own
    from events
    inner join level_minutes
        on {{ bar_start_ns('events.event_ts_ns', 1) }} = level_minutes.minute_ns
),

int_event_level_distances as (
    select
        event_id,
        {%- for kind in level_kinds() %}
        {%- set distance = 'dist_to_' ~ kind.kind | lower %}
        max(spot - level_price) filter (level_kind = '{{ kind.kind }}')
            as {{ distance }},
        {{ distance }} / nullif(any_value(atr), 0) as {{ distance }}_atr,
        {%- endfor %}
        {%- for reach in [2, 5, 10] %}
        count(*) filter (
            not is_own and abs(level_price - own_price) <= {{ reach }}
        ) as level_stacking_{{ reach }}pt{{ ',' if not loop.last }}
        {%- endfor %}
    from levels_at_anchor
    group by event_id
)

select * from int_event_level_distances
