{{ config(materialized='view') }}

-- Python models cannot see vars: this row hands them over.
select
    date '{{ session_date() }}' as session_date,
    {{ var('horizon_minutes') }} * 60000000000::bigint as horizon_ns,
    {{ var('outcome_threshold') }}::double as outcome_threshold,
    {{ var('strength_threshold') }}::double as strength_threshold,
    '{{ project_vars_json() }}' as vars_json,
    '{{ run_started_at }}' as run_started_at
