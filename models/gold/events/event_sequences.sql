{{ config(schema='gold', access='public') }}

{%- set steps = 40 %}

with

events as (
    select * from {{ ref('stg_silver__level_events') }}
),

grid as (
    select * from {{ ref('stg_silver__session_grid') }}
),

numbered as (
    select
        *,
        row_number() over (partition by session_date order by grid_end_ns) as step_nr
    from grid
),

ended as (
    select
        events.event_id,
        events.session_date,
        events.dir_sign,
        events.level_price,
        numbered.step_nr as last_nr
    from events
    asof left join numbered
        on
            events.session_date = numbered.session_date
            and events.event_ts_ns >= numbered.grid_end_ns
),

placed as (
    select
        ended.*,
        places.place,
        numbered.close,
        numbered.signed_volume,
        numbered.ofi_best,
        numbered.mean_depth
    from ended
    cross join range({{ steps }}) as places (place)
    left join numbered
        on
            ended.session_date = numbered.session_date
            and ended.last_nr - {{ steps - 1 }} + places.place = numbered.step_nr
),

-- Oldest first; what the grid lacks is unknown.
event_sequences as (
    select
        event_id,
        list(
            (if(dir_sign = 1, close - level_price, level_price - close))::double order by place
        ) as path,
        list((dir_sign * signed_volume)::double order by place) as signed_volume,
        list((dir_sign * ofi_best)::double order by place) as ofi,
        list(mean_depth::double order by place) as depth
    from placed
    group by event_id
)

select * from event_sequences
order by event_id
