{{ config(schema='gold', access='public') }}

with

drifts as (
    select * from {{ ref('int_gold_drift') }}
),

windows as (
    select
        session_date,
        count_if(is_current) as current_sessions,
        count_if(not is_current) as reference_sessions
    from {{ ref('int_drift_windows') }}
    group by session_date
),

feature_drift as (
    select
        drifts.session_date,
        drifts.feature,
        drifts.psi,
        drifts.bins,
        drifts.n_reference,
        drifts.n_current,
        (drifts.bins - 1) * (1 / drifts.n_current + 1 / drifts.n_reference) as expected,
        (drifts.bins - 1) * (1 / windows.current_sessions + 1 / windows.reference_sessions)
            as expected_slow
    from drifts
    inner join windows using (session_date)
)

select * from feature_drift
order by session_date, feature
