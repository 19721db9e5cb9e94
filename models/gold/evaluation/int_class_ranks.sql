with

predictions as (
    select * from {{ ref('stg_research__predictions') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

ranked as (
    select * from {{ ref('int_ranked_predictions') }}
),

losses as (
    select * from {{ ref('int_event_losses') }}
),

targets as (
    select * from {{ ref('stg_gold__event_targets') }}
),

strata as (
    select * from {{ ref('int_event_strata') }}
),

measured as (
    select * from {{ ref('int_stratum_gains') }}
),

predicted as (
    select
        ranked.candidate_nr,
        ranked.predictor_nr,
        predictions.event_id,
        lower(predictions.class) as class,
        predictions.p,
        targets.weight,
        if(predictions.class = targets.class, targets.weight, 0) as weight_if_it_happened
    from predictions
    inner join candidates using (run_id, target, model, feature_set)
    inner join targets using (event_id, target)
    inner join ranked on candidates.candidate_nr = ranked.predictor_nr
    semi join losses
        on
            ranked.candidate_nr = losses.candidate_nr
            and predictions.event_id = losses.event_id
),

-- Events of one p are tied: nothing tells them apart.
tied as (
    select
        predicted.candidate_nr,
        predicted.predictor_nr,
        strata.stratum_kind,
        strata.stratum,
        predicted.class,
        predicted.p,
        count(*) as events,
        {{ exact_sum('predicted.weight') }} as weight,
        {{ exact_sum('predicted.weight_if_it_happened') }} as happened
    from predicted
    inner join strata using (event_id)
    semi join measured
        on
            predicted.candidate_nr = measured.candidate_nr
            and strata.stratum_kind = measured.stratum_kind
            and strata.stratum = measured.stratum
    group by all
),

int_class_ranks as (
    select
        *,
        (sum(events) over upwards - events)::bigint as events_below,
        (sum(weight - happened) over upwards - (weight - happened)) as others_below,
        sum(weight) over everything - sum(weight) over upwards as weight_above,
        (sum(events) over everything)::bigint as all_events,
        sum(weight) over everything as all_weight,
        sum(happened) over everything as all_happened
    from tied
    window
        everything as (partition by candidate_nr, predictor_nr, stratum_kind, stratum, class),
        upwards as (
            partition by candidate_nr, predictor_nr, stratum_kind, stratum, class
            order by p
            rows between unbounded preceding and current row
        )
)

select * from int_class_ranks
order by candidate_nr, predictor_nr, stratum_kind, stratum, class, p
