with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

int_events as (
    select
        * exclude (placebo_nr),
        row_number() over (partition by level_kind order by event_ts_ns, trade_nr) - 1
            as prior_touches
    from entries
    where placebo_nr = 0
)

select * from int_events
