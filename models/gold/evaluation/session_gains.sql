{{ config(schema='scores') }}

with

gains as (
    select * from {{ ref('int_session_gains') }}
    where stratum_kind = 'all'
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

session_gains as (
    select
        candidates.run_id,
        candidates.target,
        candidates.model,
        candidates.feature_set,
        gains.session_date,
        gains.events,
        gains.weight,
        gains.loss,
        gains.loss_base_rate,
        gains.loss_null,
        gains.loss_null_calibrated,
        gains.gain_move,
        gains.gain_side
    from gains
    inner join candidates using (candidate_nr)
)

select * from session_gains
order by run_id, target, model, feature_set, session_date
