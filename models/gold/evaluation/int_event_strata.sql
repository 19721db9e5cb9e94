with

outcomes as (
    select * from {{ ref('stg_gold__event_outcomes') }}
),

-- A session is tested by one fold at most.
tests as (
    select * from {{ ref('stg_gold__folds') }}
    where role = 'test'
),

int_event_strata as (
    select
        outcomes.event_id,
        outcomes.session_date,
        unnest(['all', 'level_kind_direction', 'phase', 'fold']) as stratum_kind,
        unnest([
            'ALL',
            outcomes.level_kind || '_' || outcomes.direction,
            outcomes.session_phase::varchar,
            tests.fold::varchar
        ]) as stratum
    from outcomes
    inner join tests using (session_date)
)

select * from int_event_strata
order by event_id, stratum_kind
