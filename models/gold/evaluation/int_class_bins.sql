with

ranks as (
    select * from {{ ref('int_class_ranks') }}
),

-- A tie goes whole into the bin of its first.
int_class_bins as (
    select
        candidate_nr,
        predictor_nr,
        stratum_kind,
        stratum,
        class,
        10 * events_below // all_events as bin,
        sum(events)::bigint as events,
        sum(weight)::double as weight,
        sum(weight)::double / any_value(all_weight)::double as weight_share,
        {{ exact_sum('weight::double * p') }}::double / sum(weight)::double as mean_p,
        sum(happened)::double / sum(weight)::double as share
    from ranks
    group by all
)

select * from int_class_bins
order by candidate_nr, predictor_nr, stratum_kind, stratum, class, bin
