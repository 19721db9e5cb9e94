with

candidates as (
    select * from {{ ref('int_candidates') }}
),

-- All that was ever tried on a target, under this root, on whatever gold, failures too. What has
-- no features or is a check of its own was no attempt at an edge.
trials as (
    select
        target,
        count(*) as trials
    from {{ ref('stg_research__trials') }}
    where model in ('logit', 'lightgbm', 'lightgbm_null', 'knn', 'patchtst')
    group by target
),

int_candidate_trials as (
    select
        candidates.candidate_nr,
        greatest(coalesce(trials.trials, 0), 1) as trials
    from candidates
    left join trials using (target)
)

select * from int_candidate_trials
order by candidate_nr
