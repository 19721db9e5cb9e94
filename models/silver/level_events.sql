with

entries as (
    select * from {{ ref('int_events') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

clock as (
    select * from {{ ref('int_event_clock') }}
),

level_events as (
    select
        {{ entry_columns() }}
    from entries
    inner join front_month using (session_date)
    inner join clock using (event_id)
)

select * from level_events
order by event_ts_ns, event_id
