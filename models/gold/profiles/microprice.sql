{{ config(schema='gold', access='public') }}

with

microprice as (
    select * from {{ ref('int_microprices') }}
)

select * from microprice
order by session_date, i, spread
