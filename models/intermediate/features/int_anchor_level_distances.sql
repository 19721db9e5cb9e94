with

anchors as (
    select * from {{ ref('int_anchors') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

levels_at_anchor as (
    select
        anchors.anchor_id,
        anchors.spot,
        anchors.atr,
        anchors.level_price as own_price,
        level_minutes.level_kind,
        level_minutes.level_price,
        level_minutes.level_kind = anchors.level_kind as is_own
    from anchors
    inner join level_minutes
        on {{ bar_start_ns('anchors.anchor_ts_ns', 1) }} = level_minutes.minute_ns
),

int_anchor_level_distances as (
    select
        anchor_id,
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
    group by anchor_id
)

select * from int_anchor_level_distances
