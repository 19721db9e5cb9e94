with

exposures as (
    select * from {{ ref('int_gamma_exposures') }}
),

-- The series that expires next, seen from one price: that of its first instrument by number.
series as (
    select
        mark_ns,
        min(expiration_ns) as expiration_ns,
        first(underlying_price order by expiration_ns, instrument_id) as series_price
    from exposures
    where expiration_ns > mark_ns
    group by mark_ns
),

nearest as (
    select
        exposures.*,
        series.series_price
    from exposures
    inner join series using (mark_ns, expiration_ns)
),

-- All options of a strike have one volatility, or none. Sums go by size, so that the last digit
-- does not depend on threads: to sort so few takes less than an aggregate in order.
int_nearest_strikes as (
    select
        mark_ns,
        strike,
        min(series_price) as underlying_price,
        max(iv) as iv,
        max(total_vol) as total_vol,
        bool_or(iv_status in ('solved', 'other_side')) as is_quoted,
        coalesce(sum(
            if("right" = 'C', open_interest, -open_interest)
        ) filter (iv is not null), 0)::bigint as net_open_interest,
        list_sum(list_sort(list(oi_gex) filter ("right" = 'C'))) as call_oi_gex,
        list_sum(list_sort(list(oi_gex) filter ("right" = 'P'))) as put_oi_gex
    from nearest
    group by mark_ns, strike
)

select * from int_nearest_strikes
order by mark_ns, strike
