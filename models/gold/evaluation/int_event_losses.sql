{%- set lowest = 1e-6 -%}

with

predictions as (
    select * from {{ ref('stg_research__predictions') }}
),

candidates as (
    select * from {{ ref('int_candidates') }}
),

targets as (
    select * from {{ ref('stg_gold__event_targets') }}
),

predicted as (
    select
        candidates.candidate_nr,
        predictions.event_id,
        predictions.fold,
        predictions.class,
        predictions.p,
        greatest(predictions.p, {{ lowest }}) as clipped_p,
        targets.class as happened,
        targets.weight
    from predictions
    inner join candidates using (run_id, target, model, feature_set)
    inner join targets using (event_id, target)
),

events as (
    select
        candidate_nr,
        event_id,
        fold,
        happened,
        weight,
        {{ exact_sum("(p - (class = happened)::integer) ** 2") }}::double as brier,
        max(clipped_p) filter (where class = happened) as p_happened,
        max(clipped_p) filter (where class = 'CHOP') as p_chop,
        max(clipped_p) filter (where class = 'BREAK')
        + max(clipped_p) filter (where class = 'BOUNCE') as p_move
    from predicted
    group by candidate_nr, event_id, fold, happened, weight
),

-- Whether it moves at all, and which way if so: the two add up to the whole.
int_event_losses as (
    select
        candidate_nr,
        event_id,
        fold,
        weight,
        brier,
        -ln(p_happened) as loss,
        case
            when p_chop is not null then -ln(if(happened = 'CHOP', p_chop, p_move))
        end as loss_move,
        case
            when p_chop is not null then if(happened = 'CHOP', 0, ln(p_move) - ln(p_happened))
        end as loss_side
    from events
)

select * from int_event_losses
order by candidate_nr, event_id
