{{ config(schema='gold', access='public') }}

with

ofi_weights as (
    select * from {{ ref('int_ofi_weights') }}
)

select * from ofi_weights
order by session_date, m
