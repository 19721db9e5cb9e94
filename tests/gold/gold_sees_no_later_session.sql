{{ config(severity='error', enabled=target.name == 'gold') }}

-- What a date's profiles are made of lies before it, and what a fold trains or calibrates on ends
-- before the first anchor of what it tests.
select
    'int_prior_sessions' as table_name,
    session_date::varchar as place
from {{ ref('int_prior_sessions') }}
where prior_date >= session_date
union all
select
    'folds' as table_name,
    'fold ' || fold as place
from (
    select
        folds.fold,
        max(labels.label_end_ts_ns) filter (folds.role in ('train', 'calibration'))
            as known_until_ns,
        min(events.event_ts_ns) filter (folds.role = 'test') as tested_from_ns
    from {{ ref('folds') }} as folds
    inner join {{ ref('stg_silver__level_events') }} as events using (session_date)
    inner join {{ ref('stg_silver__level_event_labels') }} as labels using (event_id)
    group by folds.fold
)
where known_until_ns >= tested_from_ns
