with

events as (
    select * from {{ ref('stg_silver__level_events') }}
),

placebo_events as (
    select * from {{ ref('stg_silver__placebo_events') }}
),

int_gold_entries as (
    {%- for entries in ['events', 'placebo_events'] %}
    {%- set is_placebo = entries == 'placebo_events' %}
    select
        event_id,
        session_date,
        event_ts_ns,
        {{ is_placebo }} as is_placebo,
        {{ 'near_real_level' if is_placebo else 'false' }} as near_real_level,
        level_kind,
        direction,
        session_phase::bigint as session_phase,
        level_kind || '_' || direction as stratum,
        dir_sign * (spot - level_price) as position_points,
        rth_volatility
    from {{ entries }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_gold_entries
order by event_id
