{{ config(severity='error', enabled=target.name == 'evaluation') }}

-- Every prediction is of a scored event of a session that its fold tests, and says of every class
-- of the target how likely it is.
with

predictions as (
    select
        run_id,
        target,
        model,
        feature_set,
        fold,
        event_id,
        list(class order by class) as classes,
        sum(p) as total,
        bool_and(p between 0 and 1) as are_probabilities
    from {{ ref('stg_research__predictions') }}
    group by all
),

targets as (
    select
        event_id,
        target,
        is_scored,
        if(p_null_yes is null, ['BOUNCE', 'BREAK', 'CHOP'], ['NO', 'YES']) as classes
    from {{ ref('stg_gold__event_targets') }}
),

places as (
    select
        outcomes.event_id,
        folds.fold
    from {{ ref('stg_gold__event_outcomes') }} as outcomes
    inner join {{ ref('stg_gold__folds') }} as folds using (session_date)
    where folds.role = 'test'
)

select
    predictions.*,
    case
        when targets.event_id is null then 'no event of the target'
        when not targets.is_scored then 'not scored'
        when coalesce(places.fold <> predictions.fold, true) then 'not tested by its fold'
        when predictions.classes <> targets.classes then 'other classes than the target'
        when not coalesce(predictions.are_probabilities, false) then 'no probabilities'
        else 'probabilities that do not add up to 1'
    end as problem
from predictions
left join targets using (event_id, target)
left join places using (event_id)
where
    targets.event_id is null
    or not targets.is_scored
    or coalesce(places.fold <> predictions.fold, true)
    or predictions.classes <> targets.classes
    or not coalesce(predictions.are_probabilities, false)
    or abs(predictions.total - 1) > 1e-9
