{{ config(materialized='view') }}

with

trades as (
    select * from {{ ref('int_front_trades') }}
),

-- Of several trades at one time the last in order is the price at that time.
int_front_prices as (
    select
        ts_ns,
        price,
        signed_volume_so_far
    from trades
    where is_last_of_moment
)

select * from int_front_prices
