{{ config(schema='scores') }}

with

bins as (
    select * from {{ ref('int_class_bins') }}
    where stratum_kind = 'all' and candidate_nr = predictor_nr
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

reliability as (
    select
        candidates.run_id,
        candidates.target,
        candidates.model,
        candidates.feature_set,
        upper(bins.class) as class,
        bins.bin,
        bins.events,
        bins.weight,
        bins.mean_p,
        bins.share
    from bins
    inner join candidates using (candidate_nr)
)

select * from reliability
order by run_id, target, model, feature_set, class, bin
