with

-- The order of the seed's rows is that in which a model takes its features.
int_feature_sets as (
    select
        row_number() over (order by rowid) as feature_nr,
        feature,
        "group" as feature_group,
        orientation,
        source,
        needs,
        kind,
        "full",
        stage_b,
        stage_a,
        ta,
        mechanics,
        geometry
    from {{ ref('feature_sets') }}
)

select * from int_feature_sets
order by feature_nr
