with

trades as (
    select * from {{ ref('int_front_trades') }}
),

moments as (
    select
        ts_ns,
        -- Of several trades at one time the last in order is the price at that time.
        arg_max(price, trade_nr) as price,
        sum(size)::bigint as volume,
        count(*) as trade_count,
        sum(
            case aggressor_side when 'B' then size when 'A' then -size else 0 end
        )::bigint as signed_volume
    from trades
    group by ts_ns
),

-- What was traded between two moments is the difference of what was traded up to each.
int_front_prices as (
    select
        ts_ns,
        price,
        (sum(volume) over so_far)::bigint as volume_so_far,
        (sum(trade_count) over so_far)::bigint as trades_so_far,
        (sum(signed_volume) over so_far)::bigint as signed_volume_so_far
    from moments
    window so_far as (order by ts_ns rows between unbounded preceding and current row)
)

select * from int_front_prices
order by ts_ns
