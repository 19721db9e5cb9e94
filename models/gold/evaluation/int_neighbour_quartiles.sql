with

neighbours as (
    select * from {{ ref('stg_research__neighbours') }}
),

outcomes as (
    select * from {{ ref('stg_gold__event_outcomes') }}
),

farthest as (
    select
        run_id,
        fold,
        target,
        feature_set,
        event_id,
        max(distance) as distance
    from neighbours
    group by run_id, fold, target, feature_set, event_id
),

-- Distances are of one kind within a fold, whose scaling they have, and among levels of one sort.
ranked as (
    select
        farthest.*,
        rank() over (of_one_kind order by farthest.distance) as place,
        count(*) over of_one_kind as events
    from farthest
    inner join outcomes using (event_id)
    window of_one_kind as (
        partition by
            farthest.run_id, farthest.target, farthest.feature_set, farthest.fold,
            outcomes.level_family, outcomes.direction
    )
),

int_neighbour_quartiles as (
    select
        run_id,
        target,
        feature_set,
        event_id,
        distance,
        4 * (place - 1) // events + 1 as quartile
    from ranked
)

select * from int_neighbour_quartiles
order by run_id, target, feature_set, event_id
