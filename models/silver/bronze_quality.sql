with

bronze_quality as (
    select * from {{ ref('int_bronze_quality') }}
)

select * from bronze_quality
order by feed
