{%- set bucket_s = var('replenishment_bucket_s') -%}

with

buckets as (
    select * from {{ ref('int_event_replenishment') }}
),

sums as (
    select
        event_id,
        max(added) filter (bucket = {{ replenishment_buckets() }}) as last_added,
        max(removed) filter (bucket = {{ replenishment_buckets() }}) as last_removed,
        max(passive_volume) filter (bucket = {{ replenishment_buckets() }}) as last_passive,
        count(added) as n,
        sum(bucket) filter (added is not null) as sum_x,
        sum(added) as sum_y,
        sum(bucket * bucket) filter (added is not null) as sum_xx,
        sum(bucket * added) as sum_xy
    from buckets
    group by event_id
),

-- Least squares from whole numbers; a slope over two points would be no more than their difference.
int_event_replenishment_rates as (
    select
        event_id,
        last_added / {{ bucket_s }} as replenishment_rate,
        case
            when n >= 3
                then
                    (n * sum_xy - sum_x * sum_y)::double
                    / (n * sum_xx - sum_x * sum_x)::double
                    / ({{ bucket_s }} * {{ bucket_s }})
        end as replenishment_velocity,
        case
            when last_removed is not null
                then greatest(last_removed - last_passive, 0) / {{ bucket_s }}
        end as pull_rate
    from sums
)

select * from int_event_replenishment_rates
