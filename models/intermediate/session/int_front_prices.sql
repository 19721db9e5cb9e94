with

trades as (
    select * from {{ ref('int_front_trades') }}
),

-- Of several trades at one time the last in order is the price at that time.
int_front_prices as (
    select
        ts_ns,
        arg_max(price, trade_nr) as price
    from trades
    group by ts_ns
)

select * from int_front_prices
order by ts_ns
