with

candidates as (
    select * from {{ ref('int_candidates') }}
),

losses as (
    select * from {{ ref('int_event_losses') }}
),

predicted as (
    select
        candidate_nr,
        count(*) as events
    from losses
    group by candidate_nr
),

-- Of a candidate that was not fitted in every fold the baseline is ranked too, on the same events.
int_ranked_predictions as (
    select
        candidate_nr,
        candidate_nr as predictor_nr
    from candidates
    union all
    select
        candidates.candidate_nr,
        candidates.null_calibrated_nr as predictor_nr
    from candidates
    inner join predicted using (candidate_nr)
    inner join predicted as baseline
        on candidates.null_calibrated_nr = baseline.candidate_nr
    where predicted.events < baseline.events
)

select * from int_ranked_predictions
order by candidate_nr, predictor_nr
