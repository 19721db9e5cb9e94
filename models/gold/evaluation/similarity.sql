{{ config(schema='scores') }}

with

quartiles as (
    select * from {{ ref('int_neighbour_quartiles') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
    where model = 'knn'
),

losses as (
    select * from {{ ref('int_event_losses') }}
),

strata as (
    select * from {{ ref('int_event_strata') }}
    where stratum_kind = 'all'
),

by_session as (
    select
        candidates.run_id,
        candidates.target,
        candidates.feature_set,
        quartiles.quartile,
        strata.session_date,
        count(*) as events,
        {{ exact_sum('own.weight') }}::double as weight,
        {{ exact_sum('own.weight * own.loss') }}::double as loss,
        {{ exact_sum('own.weight * null_calibrated.loss') }}::double as null_loss
    from candidates
    inner join quartiles using (run_id, target, feature_set)
    inner join losses as own using (candidate_nr, event_id)
    inner join losses as null_calibrated
        on
            candidates.null_calibrated_nr = null_calibrated.candidate_nr
            and quartiles.event_id = null_calibrated.event_id
    inner join strata on quartiles.event_id = strata.event_id
    group by all
),

pooled as (
    select
        run_id,
        target,
        feature_set,
        quartile,
        sum(events)::bigint as events,
        sum(weight order by session_date) as effective_n,
        count(*) as sessions,
        sum(loss order by session_date) / sum(weight order by session_date) as log_loss,
        sum(null_loss order by session_date) / sum(weight order by session_date) as null_loss,
        sum(null_loss - loss order by session_date) / sum(weight order by session_date) as gain,
        list(null_loss - loss order by session_date) as sums,
        list(weight order by session_date) as weights
    from by_session
    group by run_id, target, feature_set, quartile
),

similarity as (
    select
        run_id,
        target,
        feature_set,
        quartile,
        events,
        effective_n,
        sessions,
        log_loss,
        1 - log_loss / null_loss as skill,
        {{ clustered_error('sums', 'weights', 'gain', 'effective_n') }} / null_loss as skill_se
    from pooled
)

select * from similarity
order by run_id, target, feature_set, quartile
