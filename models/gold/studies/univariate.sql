{{ config(schema='gold', access='public') }}

with

correlations as (
    select * from {{ ref('int_gold_correlations') }}
),

-- A past_t is NULL, of two sessions or more, where the feature is the past itself.
univariate as (
    select
        *,
        coalesce(
            abs(past_ic) > 2 * abs(ic)
            and if(past_t is null, past_sessions > 1, abs(past_t) > 3),
            false
        ) as explains_the_past
    from correlations
)

select * from univariate
order by feature
