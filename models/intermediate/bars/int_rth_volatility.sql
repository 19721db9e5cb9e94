with

bars as (
    select * from {{ ref('int_bars_1m') }}
),

changes as (
    select
        bar_end_ns,
        high,
        low,
        lag(close) over (order by bar_end_ns) as previous_close,
        close - lag(close) over (order by bar_end_ns) as change
    from bars
    where is_rth
),

ranges as (
    select
        bar_end_ns,
        change,
        greatest(
            high - low,
            coalesce(abs(high - previous_close), 0),
            coalesce(abs(low - previous_close), 0)
        ) as true_range
    from changes
),

sums as (
    select
        bar_end_ns,
        true_range,
        avg(true_range) over last_ranges as atr,
        count(change) over last_changes as change_count,
        sum(change) over last_changes as change_sum,
        sum(change * change) over last_changes as change_square_sum
    from ranges
    window
        last_ranges as (order by bar_end_ns {{ last_rows(var('atr_bars')) }}),
        last_changes as (order by bar_end_ns {{ last_rows(var('volatility_bars')) }})
),

int_rth_volatility as (
    select
        bar_end_ns,
        true_range,
        atr,
        -- Sample standard deviation from sums that are exact for prices on the tick grid.
        case
            when change_count >= 2
                then sqrt(
                    (change_count * change_square_sum - change_sum * change_sum)
                    / (change_count * (change_count - 1))
                )
        end as rth_volatility
    from sums
)

select * from int_rth_volatility
order by bar_end_ns
