with

ranges as (
    select * from {{ ref('int_levels_range') }}
),

averages as (
    select * from {{ ref('int_levels_sma') }}
),

int_levels as (
    select * from ranges
    union all
    select * from averages
)

select * from int_levels
order by level_kind, valid_from_ns
