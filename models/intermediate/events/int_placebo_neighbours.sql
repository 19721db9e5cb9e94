with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

int_placebo_neighbours as (
    select
        entries.event_id,
        coalesce(
            bool_or(abs(level_minutes.level_price - entries.level_price) <= entries.zone_width),
            false
        ) as near_real_level
    from entries
    inner join level_minutes
        on {{ bar_start_ns('entries.event_ts_ns', 1) }} = level_minutes.minute_ns
    where entries.placebo_nr > 0
    group by entries.event_id
)

select * from int_placebo_neighbours
