with

entries as (
    select * from {{ ref('int_events') }}
),

clock as (
    select * from {{ ref('int_event_clock') }}
),

level_events as (
    select
        {{ entry_columns() }}
    from entries
    inner join clock using (event_id)
)

select * from level_events
order by event_ts_ns, event_id
