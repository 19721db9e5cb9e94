with

ranks as (
    select * from {{ ref('int_class_ranks') }}
),

bins as (
    select * from {{ ref('int_class_bins') }}
),

-- The part of a tie's weight that lies in the top tenth.
cut as (
    select
        *,
        all_weight::double / 10 as top_weight,
        least(greatest((all_weight::double / 10 - weight_above::double) / weight::double, 0), 1)
            as top_share
    from ranks
),

discrimination as (
    select
        candidate_nr,
        predictor_nr,
        stratum_kind,
        stratum,
        class,
        any_value(all_happened)::double as happened,
        any_value(all_weight - all_happened)::double as others,
        any_value(all_weight)::double as weight,
        any_value(top_weight) as top_weight,
        {{ exact_sum(
            'happened::double * (others_below::double + (weight - happened)::double / 2)'
        ) }}::double as pairs_in_order,
        {{ exact_sum('happened::double * top_share') }}::double as top_happened
    from cut
    group by candidate_nr, predictor_nr, stratum_kind, stratum, class
),

calibration as (
    select
        candidate_nr,
        predictor_nr,
        stratum_kind,
        stratum,
        class,
        sum(weight_share * abs(mean_p - share) order by bin) as ece
    from bins
    group by candidate_nr, predictor_nr, stratum_kind, stratum, class
),

int_class_scores as (
    select
        discrimination.candidate_nr,
        discrimination.predictor_nr,
        discrimination.stratum_kind,
        discrimination.stratum,
        discrimination.class,
        pairs_in_order / nullif(happened * others, 0) as auc,
        (top_happened / top_weight) / nullif(happened / weight, 0) as lift,
        calibration.ece
    from discrimination
    inner join calibration using (candidate_nr, predictor_nr, stratum_kind, stratum, class)
)

select * from int_class_scores
order by candidate_nr, predictor_nr, stratum_kind, stratum, class
